"""Results as images: a panel for each metric, with bars of a standard deviation."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yt8m_models.experiments.common.rows import Table
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.storage.plots import BLUE, GREEN, LEGEND, PURPLE, RED, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (RED, BLUE, GREEN, PURPLE, "#9d755d", "#e0a52f", "#72b7b2", "#9a9a9a")
_LEVEL = "#555555"
_SIZES: Any = {"capsize": 3, "linewidth": 1.8, "elinewidth": 1.2, "markersize": 5}


def draw(table: Table, summaries: Sequence[RowSummary], titles: Mapping[str, str]) -> "Figure":
    """The image of a table: a point for each row, or a line for each series of points.

    Args:
        table: the table.
        summaries: of its rows.
        titles: of the metrics to show.
    """
    height = 3.6 if table.axis else 1.3 + 0.36 * len(summaries)
    lines = -(-len(titles) // 2)
    figure = new_figure(10, lines * height, table.title)
    grid = figure.subplots(lines, 2, sharey=not table.axis, squeeze=False)
    for axes, (metric, title) in zip(grid.ravel(), titles.items(), strict=True):
        if table.axis:
            points = [summary for summary in summaries if summary.row.name != table.level]
            _draw_lines(axes, metric, points)
            for level in (summary for summary in summaries if summary.row.name == table.level):
                axes.axhline(level.mean(metric), color=_LEVEL, ls="--", label=level.row.series)
        else:
            means, errors = _statistics(metric, summaries)
            places = range(len(summaries))
            axes.errorbar(means, places, xerr=errors, color=BLUE, fmt="o", **_SIZES)
            axes.set_yticks(places, [summary.row.label for summary in summaries])
            axes.set_ylim(len(summaries) - 0.5, -0.5)  # from above
        styled(axes, title, table.axis, "y" if table.axis else "x")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    if len(labels) > 1:
        figure.legend(handles, labels, loc="outside right center", **LEGEND)
    return figure


def _draw_lines(axes: "Axes", metric: str, summaries: Sequence[RowSummary]) -> None:
    """The values over the labels, which stand at equal distances: γ = 0 has no logarithm."""
    labels = list(dict.fromkeys(summary.row.label for summary in summaries))
    names = dict.fromkeys(summary.row.series for summary in summaries)
    for name, color in zip(names, itertools.cycle(_COLORS), strict=False):
        series = [summary for summary in summaries if summary.row.series == name]
        places = [labels.index(summary.row.label) for summary in series]
        means, errors = _statistics(metric, series)
        axes.errorbar(places, means, yerr=errors, fmt="o-", color=color, label=name, **_SIZES)
    axes.set_xticks(range(len(labels)), labels)


def _statistics(metric: str, summaries: Sequence[RowSummary]) -> tuple[list[float], list[float]]:
    """The means, and the deviations or 0 where there are none."""
    deviations = [summary.deviation(metric) for summary in summaries]
    errors = [0.0 if math.isnan(deviation) else deviation for deviation in deviations]
    return [summary.mean(metric) for summary in summaries], errors
