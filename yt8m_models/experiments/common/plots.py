"""Results as images: a panel for each metric, with bars of a standard deviation."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yt8m_models.experiments.common.rows import Table
from yt8m_models.experiments.common.summary import RowSummary, Summary
from yt8m_models.storage.plots import BLUE, GREEN, LEGEND, RED, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (RED, BLUE, GREEN)
_SIZES: Any = {"capsize": 3, "linewidth": 1.8, "elinewidth": 1.2, "markersize": 5}


def draw(table: Table, summaries: Sequence[RowSummary], titles: Mapping[str, str]) -> "Figure":
    """The image of a table: a point for each row, or of a figure: a line for each series.

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
            _draw_lines(axes, metric, summaries)
        else:
            draw_points(axes, metric, summaries, [BLUE] * len(summaries))
            axes.set_yticks(range(len(summaries)), [summary.row.label for summary in summaries])
        styled(axes, title, table.axis, "y" if table.axis else "x")
    return figure


def draw_points(
    axes: "Axes", metric: str, summaries: Sequence[Summary], colors: Sequence[str]
) -> None:
    """A point for each of the summaries, from above."""
    for color in dict.fromkeys(colors):
        places = [place for place, other in enumerate(colors) if other == color]
        means, errors = _statistics(metric, [summaries[place] for place in places])
        axes.errorbar(means, places, xerr=errors, color=color, fmt="o", **_SIZES)
    axes.set_ylim(len(summaries) - 0.5, -0.5)


def draw_line(
    axes: "Axes", metric: str, places: Sequence[int], summaries: Sequence[Summary], **options: Any
) -> None:
    """A line through the summaries, each at a place on the x axis."""
    means, errors = _statistics(metric, summaries)
    axes.errorbar(places, means, yerr=errors, fmt="o-", **_SIZES, **options)


def _draw_lines(axes: "Axes", metric: str, summaries: Sequence[RowSummary]) -> None:
    """The values over the labels, which stand at equal distances: γ = 0 has no logarithm."""
    labels = list(dict.fromkeys(summary.row.label for summary in summaries))
    names = list(dict.fromkeys(summary.row.series for summary in summaries))
    for name, color in zip(names, _COLORS, strict=False):
        series = [summary for summary in summaries if summary.row.series == name]
        places = [labels.index(summary.row.label) for summary in series]
        draw_line(axes, metric, places, series, color=color, label=name)
    axes.set_xticks(range(len(labels)), labels)
    if len(names) > 1:
        axes.legend(**LEGEND)


def _statistics(metric: str, summaries: Sequence[Summary]) -> tuple[list[float], list[float]]:
    """The means, and the deviations or 0 where there are none."""
    deviations = [summary.deviation(metric) for summary in summaries]
    errors = [0.0 if math.isnan(deviation) else deviation for deviation in deviations]
    return [summary.mean(metric) for summary in summaries], errors
