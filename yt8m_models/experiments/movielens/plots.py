"""The results as images: a panel of NDCG and one of average precision."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yt8m_models.experiments.common.plots import draw_line, draw_points
from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.runs import (
    METRICS,
    Method,
    Run,
    Summaries,
    chosen,
    summarize,
)
from yt8m_models.storage.plots import (
    BLUE,
    GREEN,
    LEGEND,
    PURPLE,
    RED,
    can_plot,
    new_figure,
    save_figure,
    styled,
)
from yt8m_models.storage.whole_file import join

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (RED, BLUE, GREEN, PURPLE, "#9d755d", "#e0a52f", "#72b7b2")
_BASELINE = "#9a9a9a"


def write_plots(
    config: MovieLensConfig, methods: Sequence[Method], runs: Sequence[Run]
) -> list[str]:
    """Writes `table4.png` and `figure5.png`; none, with a note, without matplotlib.

    Returns:
        The paths.
    """
    if not can_plot("images"):
        return []
    summaries = summarize(config, methods, runs)
    figures = {}
    if 4 in config.tables:
        figures["table4.png"] = draw_table(config, methods, summaries)
    if 5 in config.figures:
        figures["figure5.png"] = draw_figure(config, chosen(config, methods), summaries)
    for name, figure in figures.items():
        save_figure(join(config.output_dir, name), figure)
    return [join(config.output_dir, name) for name in figures]


def draw_table(
    config: MovieLensConfig, methods: Sequence[Method], summaries: Summaries
) -> "Figure":
    """Table 4: a point for each method, with a bar of a standard deviation over the seeds."""
    found = [method for method in methods if (None, method) in summaries]
    rows = [summaries[None, method] for method in found]
    color_of = _colors([method.label for method in methods if method.aggregation])
    colors = [color_of.get(method.label, _BASELINE) for method in found]
    names = [", ".join(filter(None, (method.label, method.history))) for method in found]
    figure, panels = _panels(
        f"{config.train_fraction:.0%} of each user's ratings for training", 1.4 + 0.28 * len(found)
    )
    for axes, (metric, name) in zip(panels, METRICS.items(), strict=True):
        draw_points(axes, metric, rows, colors)
        axes.set_yticks(range(len(found)), names if axes is panels[0] else [""] * len(found))
        styled(axes, name.format(top_k=config.top_k), grid="x")
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
            places = [count for count in counts if (count, method) in summaries]
            rows = [summaries[count, method] for count in places]
            color = colors.get(method.label, _BASELINE)
            draw_line(axes, metric, places, rows, color=color, label=method.label)
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(counts, map(str, counts))
        styled(axes, name.format(top_k=config.top_k), "N")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", **LEGEND)
    return figure


def _panels(title: str, height: float) -> tuple["Figure", Sequence["Axes"]]:
    figure = new_figure(11, height, title)
    return figure, figure.subplots(1, len(METRICS))


def _colors(labels: Sequence[str]) -> dict[str, str]:
    distinct = list(dict.fromkeys(labels))
    return {label: _COLORS[number % len(_COLORS)] for number, label in enumerate(distinct)}
