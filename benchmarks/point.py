"""Measurements of one thing at several sizes: as a table, a law of growth and curves."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt8m_models.storage.plots import new_figure, save_figure
from yt8m_models.storage.text_tables import markdown_table

_FITTED = 3


@dataclass(frozen=True)
class Point:
    """One measurement.

    Attributes:
        part: what was measured.
        axis: which size differs from the others' points.
        size: that size.
        seconds: of a step, or of all that was done.
        megabytes: at the most, above those before; `None` where not measured.
        bytes_on_disk: of what was written; `None` where not measured.
        count: how many of `unit` were done in these seconds; `None` where that says nothing.
        unit: what `count` counts, such as queries.
    """

    part: str
    axis: str
    size: int
    seconds: float
    megabytes: float | None = None
    bytes_on_disk: int | None = None
    count: int | None = None
    unit: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What was measured at which size."""
        return self.part, self.axis, self.size


def law(points: Sequence[Point]) -> tuple[float, float]:
    """`a` and `b` of `seconds = a · size^b`, by least squares of logarithms.

    The three largest sizes count: at small ones it is what does not grow that is measured.

    Raises:
        ValueError: there are fewer than two sizes.
    """
    largest = sorted(points, key=lambda point: point.size)[-_FITTED:]
    if len({point.size for point in largest}) < 2:
        raise ValueError(f"points must have at least two sizes; received {len(largest)} points")
    logarithms = [(math.log(point.size), math.log(point.seconds)) for point in largest]
    exponent, intercept = statistics.linear_regression(*zip(*logarithms, strict=True))
    return math.exp(intercept), exponent


def table(points: Iterable[Point]) -> str:
    """A Markdown table with a row for each part and axis.

    Its columns: the sizes; the seconds, MB of memory and MB on disk at each; the exponent b of
    `law`; and how many were done a second, and a million's seconds, at the largest size.
    """
    rows = []
    for (part, axis), chosen in _by_axis(points).items():
        megabytes = [point.megabytes for point in chosen if point.megabytes is not None]
        on_disk = [point.bytes_on_disk for point in chosen if point.bytes_on_disk is not None]
        rows.append(
            (
                part,
                f"{axis} {_joined(f'{point.size:,}' for point in chosen)}",
                _joined(_rounded(point.seconds) for point in chosen),
                _joined(f"{each:,.0f}" for each in megabytes),
                _joined(_rounded(each / 1e6) for each in on_disk),
                f"{law(chosen)[1]:.2f}" if len(chosen) > 1 else "",
                _speed(chosen[-1]),
            )
        )
    header = ("measured", "over", "seconds", "MB", "MB on disk", "b", "at the largest")
    return "\n".join(markdown_table(header, rows)) + "\n"


def plan(points: Iterable[Point], sizes: Mapping[str, int]) -> str:
    """A Markdown table of the hours that larger sizes take, were it to go on as measured.

    The seconds at the largest size measured, n, are multiplied by (N / n)^b, with the exponent of
    `law`, but at least 1: what does not grow at small sizes is no saving at large ones. It is the
    time of the machine that measured. Parts of a single size are left out.

    Args:
        points: measurements.
        sizes: N of each axis that the table is about.
    """
    rows = []
    for (part, axis), chosen in _by_axis(points).items():
        if axis in sizes and len(chosen) > 1:
            last, size, exponent = chosen[-1], sizes[axis], max(law(chosen)[1], 1.0)
            hours = last.seconds * (size / last.size) ** exponent / 3600
            growth = f"({size:,} / {last.size:,})^{exponent:.2f}"
            arithmetic = f"{_rounded(last.seconds)} s · {growth} / 3,600"
            rows.append((part, f"{size:,} {axis}", arithmetic, _rounded(hours)))
    return "\n".join(markdown_table(("program", "at", "arithmetic", "hours"), rows)) + "\n"


def _joined(values: Iterable[str]) -> str:
    return " · ".join(values)


def _speed(point: Point) -> str:
    if point.count is None:
        return ""
    speed, million = point.count / point.seconds, 1e6 * point.seconds / point.count
    return f"{_rounded(speed)} {point.unit}/s, {_rounded(million)} s a million"


def _rounded(value: float) -> str:
    """Two digits, and zeros."""
    return f"{float(f'{value:.2g}'):,.12g}"


def _by_axis(points: Iterable[Point]) -> dict[tuple[str, str], list[Point]]:
    """The points of each part and axis, by size."""
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.part, point.axis), []).append(point)
    return {key: sorted(group, key=lambda point: point.size) for key, group in groups.items()}


def plot(points: Iterable[Point], path: Path) -> None:
    """An image with a panel for each part and axis: seconds, and MB where they were measured."""
    panels = _by_axis(points)
    columns = min(5, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.2 * columns, 2.8 * rows, dpi=100)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel, ((part, axis), chosen) in zip(axes.flat, panels.items(), strict=False):
        sizes = [point.size for point in chosen]
        panel.set_xscale("log")
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30, fontsize=8)
        panel.minorticks_off()
        panel.plot(sizes, [point.seconds for point in chosen], "o-", color="C0")
        panel.set_title(part, fontsize=10)
        panel.set_xlabel(axis)
        _set_scale(panel, "seconds", "C0")
        if chosen[0].megabytes is not None:
            beside = panel.twinx()
            megabytes = [max(point.megabytes or 0.0, 1.0) for point in chosen]
            beside.plot(sizes, megabytes, "s--", color="C1")
            _set_scale(beside, "MB", "C1")
    for panel in list(axes.flat)[len(panels) :]:
        panel.set_axis_off()
    save_figure(str(path), figure)


def _set_scale(panel: Any, label: str, color: str) -> None:
    """A logarithmic axis of at least a decade, so that noise does not look like growth."""
    from matplotlib.ticker import LogLocator

    low, high = panel.dataLim.y0, panel.dataLim.y1
    margin = max(1.3, (10 * low / high) ** 0.5)
    panel.set_yscale("log")
    panel.set_ylim(low / margin, high * margin)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.yaxis.set_minor_formatter("")
    panel.set_ylabel(label, color=color)
