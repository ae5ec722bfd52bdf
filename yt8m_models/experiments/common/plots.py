"""Results as images: a panel for each metric, with bars of a standard deviation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from yt8m_models.experiments.common.rows import Table
from yt8m_models.experiments.common.summary import RowSummary, Summary
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

_COLORS = (RED, BLUE, GREEN)


def write_images(
    output_dir: str,
    tables: Sequence[Table],
    summaries: Mapping[str, RowSummary],
    titles: Mapping[str, str],
) -> list[str]:
    """Writes an image of each table and figure with results; none, with a note, without matplotlib.

    Args:
        output_dir: receives them.
        tables: tables and figures.
        summaries: by the names of the rows.
        titles: of the metrics to show.

    Returns:
        The paths.
    """
    if not can_plot("images"):
        return []
    paths = []
    for table in tables:
        found = [summaries[row.name] for row in table.rows if summaries[row.name].metrics]
        if found:
            paths.append(join(output_dir, f"{table.name}.png"))
            save_figure(paths[-1], draw(table, found, titles))
    return paths


def draw(table: Table, summaries: Sequence[RowSummary], titles: Mapping[str, str]) -> "Figure":
    """The image of a table: a point for each row, or of a figure: a line for each series."""
    height = 3.6 if table.axis else 1.3 + 0.36 * len(summaries)
    lines = -(-len(titles) // 2)
    figure = new_figure(10, lines * height, table.title)
    grid = figure.subplots(lines, 2, sharey=not table.axis, squeeze=False)
    for axes, (metric, title) in zip(grid.ravel(), titles.items(), strict=True):
        if table.axis:
            _draw_lines(axes, metric, summaries)
        else:
            labels = [summary.row.label for summary in summaries]
            draw_points(axes, metric, summaries, labels, [BLUE] * len(labels))
        styled(axes, title, table.axis, "y" if table.axis else "x")
    return figure


def draw_points(
    axes: "Axes",
    metric: str,
    summaries: Sequence[Summary],
    labels: Sequence[str],
    colors: Sequence[str],
) -> None:
    """A point for each of the summaries, one below the other."""
    for color in dict.fromkeys(colors):
        places = [place for place, other in enumerate(colors) if other == color]
        _error_bars(
            axes,
            [summaries[place].mean(metric) for place in places],
            places,
            xerr=[summaries[place].error(metric) for place in places],
            color=color,
            fmt="o",
        )
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def draw_line(
    axes: "Axes",
    metric: str,
    places: Sequence[int],
    summaries: Sequence[Summary],
    color: str,
    label: str,
) -> None:
    """A line through the summaries, each at a place on the x axis."""
    _error_bars(
        axes,
        places,
        [summary.mean(metric) for summary in summaries],
        yerr=[summary.error(metric) for summary in summaries],
        color=color,
        label=label,
        fmt="o-",
    )


def _draw_lines(axes: "Axes", metric: str, summaries: Sequence[RowSummary]) -> None:
    """The values over the labels, which stand at equal distances: γ = 0 has no logarithm."""
    labels = list(dict.fromkeys(summary.row.label for summary in summaries))
    names = list(dict.fromkeys(summary.row.series for summary in summaries))
    for name, color in zip(names, _COLORS, strict=False):
        series = [summary for summary in summaries if summary.row.series == name]
        places = [labels.index(summary.row.label) for summary in series]
        draw_line(axes, metric, places, series, color, name)
    axes.set_xticks(range(len(labels)), labels)
    if len(names) > 1:
        axes.legend(**LEGEND)


def _error_bars(axes: "Axes", x: Sequence[float], y: Sequence[float], **options) -> None:
    axes.errorbar(x, y, capsize=3, linewidth=1.8, elinewidth=1.2, markersize=5, **options)
