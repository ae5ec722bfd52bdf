"""The results as images: a panel for each metric, with bars of a standard deviation."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.rows import Row, Table
from yt8m_models.experiments.dsgmm.runs import Run
from yt8m_models.experiments.dsgmm.summary import Summary, summarize
from yt8m_models.storage.plots import (
    BLUE,
    GREEN,
    LEGEND,
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

_PANELS = {"GAP": "gap", "Hit@1": "hit_at_one"}
_COLORS = (RED, BLUE, GREEN)


def write_plots(
    config: TablesConfig, tables: Sequence[Table], planned: Mapping[tuple[str, int], Run]
) -> list[str]:
    """Writes an image of each table and figure with results, see `write_images`."""
    return write_images(config.output_dir, tables, lambda rows: summarize(planned, rows), _PANELS)


def write_images(
    output_dir: str,
    tables: Sequence[Table],
    summaries_of: Callable[[Sequence[Row]], Sequence[Summary]],
    panels: Mapping[str, str],
) -> list[str]:
    """Writes an image of each table and figure with results; none, with a note, without matplotlib.

    Args:
        output_dir: receives them.
        tables: tables and figures.
        summaries_of: the results of rows.
        panels: the metric of each panel, by its title.

    Returns:
        The paths.
    """
    if not can_plot("images"):
        return []
    paths = []
    for table in tables:
        summaries = [each for each in summaries_of(table.rows) if each.results]
        if not summaries:
            continue
        paths.append(join(output_dir, f"{table.name}.png"))
        save_figure(paths[-1], draw(table, summaries, panels))
    return paths


def draw(
    table: Table, summaries: Sequence[Summary], panels: Mapping[str, str] = _PANELS
) -> "Figure":
    """The image of a table: a point for each row, or of a figure: a line for each series."""
    height = 3.6 if table.axis else 1.3 + 0.36 * len(summaries)
    lines = -(-len(panels) // 2)
    figure = new_figure(10, lines * height, table.title)
    grid = figure.subplots(lines, 2, sharey=not table.axis, squeeze=False)
    for axes, (name, metric) in zip(grid.ravel(), panels.items(), strict=True):
        (_lines if table.axis else _points)(axes, metric, table, summaries)
        styled(axes, name, table.axis, "y" if table.axis else "x")
    return figure


def _lines(axes: "Axes", metric: str, table: Table, summaries: Sequence[Summary]) -> None:
    """The values over the labels, which stand at equal distances: γ = 0 has no logarithm."""
    labels = list(dict.fromkeys(summary.row.label for summary in summaries))
    names = list(dict.fromkeys(summary.row.series for summary in summaries))
    for name, color in zip(names, _COLORS, strict=False):
        series = [summary for summary in summaries if summary.row.series == name]
        _error_bars(
            axes,
            [labels.index(summary.row.label) for summary in series],
            [summary.mean(metric) for summary in series],
            yerr=_deviations(series, metric),
            color=color,
            label=name,
            fmt="o-",
        )
    axes.set_xticks(range(len(labels)), labels)
    if len(names) > 1:
        axes.legend(**LEGEND)


def _points(axes: "Axes", metric: str, table: Table, summaries: Sequence[Summary]) -> None:
    places = list(range(len(summaries)))
    _error_bars(
        axes,
        [summary.mean(metric) for summary in summaries],
        places,
        xerr=_deviations(summaries, metric),
        color=BLUE,
        fmt="o",
    )
    axes.set_yticks(places, [summary.row.label for summary in summaries])
    axes.set_ylim(len(places) - 0.5, -0.5)


def _error_bars(axes: "Axes", x: list, y: list, **options) -> None:
    axes.errorbar(x, y, capsize=3, linewidth=1.8, elinewidth=1.2, markersize=5, **options)


def _deviations(summaries: Sequence[Summary], metric: str) -> list[float]:
    deviations = [summary.deviation(metric) for summary in summaries]
    return [0.0 if math.isnan(deviation) else deviation for deviation in deviations]
