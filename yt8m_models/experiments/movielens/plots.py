"""The results as images: a panel of NDCG and one of average precision."""

import io
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import tensorflow as tf

from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.results import (
    METRICS,
    Summaries,
    Summary,
    summarize,
)
from yt8m_models.experiments.movielens.runs import Method, Run, chosen
from yt8m_models.storage.whole_file import join

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOGGER = logging.getLogger(__name__)
_COLORS = ("#e4572e", "#4c78a8", "#54a24b", "#b279a2", "#9d755d", "#e0a52f", "#72b7b2")
_BASELINE = "#9a9a9a"
_INK = "#333333"
_GRID = "#e6e6e6"


def write_plots(
    config: MovieLensConfig, methods: Sequence[Method], runs: Sequence[Run]
) -> list[str]:
    """Writes `table4.png` and `figure5.png`; none, with a note, without matplotlib.

    Returns:
        The paths.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        _LOGGER.warning("no plots: they need matplotlib (pip install matplotlib)")
        return []
    summaries = summarize(config, methods, runs)
    figures = {}
    if 4 in config.tables:
        figures["table4.png"] = draw_table(config, methods, summaries)
    if 5 in config.figures:
        figures["figure5.png"] = draw_figure(config, chosen(config, methods), summaries)
    for name, figure in figures.items():
        image = io.BytesIO()
        figure.savefig(image, format="png")
        path = join(config.output_dir, name)
        with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
            file.write(image.getvalue())
        tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)
    return [join(config.output_dir, name) for name in figures]


def draw_table(
    config: MovieLensConfig, methods: Sequence[Method], summaries: Summaries
) -> "Figure":
    """Table 4: a point for each method, with a bar of a standard deviation over the seeds."""
    rows = [summaries[None, method] for method in methods if (None, method) in summaries]
    colors = _colors([method.label for method in methods if method.aggregation])
    names = [", ".join(filter(None, (row.method.label, row.method.history))) for row in rows]
    figure, panels = _panels(
        f"{config.train_fraction:.0%} of each user's ratings for training", 1.4 + 0.28 * len(rows)
    )
    for axes, (metric, name) in zip(panels, METRICS.items(), strict=True):
        for place, row in enumerate(rows):
            color = colors.get(row.method.label, _BASELINE)
            deviation = _deviation(row, metric)
            axes.errorbar(row.mean(metric), place, xerr=deviation, fmt="o", color=color, capsize=3)
        axes.set_yticks(range(len(rows)), names if axes is panels[0] else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        _style(axes, name.format(top_k=config.top_k), "x")
    return figure


def draw_figure(
    config: MovieLensConfig, methods: Sequence[Method], summaries: Summaries
) -> "Figure":
    """Figure 5: a line for each method over the number of training ratings."""
    counts = sorted(config.figure_counts)
    colors = _colors([method.label for method in methods if method.name != "constant"])
    figure, panels = _panels(f"Training ratings of each user, history {config.history}", 4.2)
    for axes, (metric, name) in zip(panels, METRICS.items(), strict=True):
        for method in methods:
            rows = [summaries[key] for count in counts if (key := (count, method)) in summaries]
            axes.errorbar(
                [count for count in counts if (count, method) in summaries],
                [row.mean(metric) for row in rows],
                yerr=[_deviation(row, metric) for row in rows],
                color=colors.get(method.label, _BASELINE),
                label=method.label,
                fmt="o-",
                capsize=2,
                linewidth=1.8,
                elinewidth=1.0,
                markersize=4,
            )
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(counts, map(str, counts))
        axes.set_xlabel("N", fontsize=8, color="#777777", loc="right", labelpad=0)
        _style(axes, name.format(top_k=config.top_k), "y")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", frameon=False, fontsize=9, labelcolor=_INK
    )
    return figure


def _panels(title: str, height: float) -> tuple["Figure", Sequence["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, height), dpi=150, layout="constrained")
    figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold", color=_INK)
    return figure, figure.subplots(1, len(METRICS))


def _style(axes: "Axes", title: str, grid: Literal["x", "y"]) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.grid(axis=grid, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#bbbbbb")
    axes.tick_params(colors="#777777", labelsize=8, length=0)


def _deviation(summary: Summary, metric: str) -> float:
    """0 where there is one seed alone."""
    return summary.deviation(metric) if len(summary.results) > 1 else 0.0


def _colors(labels: Sequence[str]) -> dict[str, str]:
    distinct = list(dict.fromkeys(labels))
    return {label: _COLORS[number % len(_COLORS)] for number, label in enumerate(distinct)}
