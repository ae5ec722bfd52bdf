"""Curves over steps, or over the settings of a figure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from yt8m_models.report.axis import Axis
from yt8m_models.report.numbers import number_text

_MOST_POINTS = 400
_COLORS = 5
_X_TEXT = 5.5  # per cent of the width that a text below the axis takes for each of its characters


class Series(NamedTuple):
    """A curve.

    Attributes:
        name: what it is.
        xs: ascending.
        ys: a value for each; those that are not finite are left out.
        style: `line`, `step` (each value until the next), `pale` (behind others), or `points` (a
            line with a point for each value).
        spreads: the standard deviation of each value; none, or NaN, where it is not known.
        color: which of the five; by the place among the series unless given.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    style: str = "line"
    spreads: Sequence[float] = ()
    color: int | None = None


class _Point(NamedTuple):
    """A place in per cent from the left and from the top, and what stands there."""

    x: float
    y: float
    at: str
    text: str
    low: float | None
    high: float | None


class _Curve(NamedTuple):
    """A series as it is drawn: `path` in a square of 100 by 100."""

    name: str
    style: str
    color: int
    points: list[_Point]
    path: str


@dataclass(frozen=True)
class LineChart:
    """Curves with a grid, and their values where one points at them.

    Attributes:
        title: what the values are.
        x_name: what they are over.
        series: the curves; a `pale` one has the colour of that after it.
        form: the format of the values.
        x_texts: what stands at x = 0, 1, …; numbers unless given.
        marked: the x of the point to ring in the curves of style `points`.
        mark: what it is.
        note: what the last line of the heading says.
        with_zero: begin the axis of the values at 0.
    """

    title: str
    x_name: str
    series: Sequence[Series]
    form: str = ".4f"
    x_texts: Sequence[str] = field(default=())
    marked: float | None = None
    mark: str = ""
    note: str = ""
    with_zero: bool = False
    template: ClassVar[str] = "line_chart.html"

    @cached_property
    def _x_axis(self) -> Axis:
        return Axis(x for series in self.series for x in series.xs)

    @cached_property
    def _y_axis(self) -> Axis:
        ends = (end for series in self.series for _, *found in _known(series) for end in found[1:])
        return Axis(ends, self.with_zero)

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Places from the left, with their texts, which do not touch each other."""
        if not self.x_texts:
            return [(tick.place, tick.text) for tick in self._x_axis.ticks]
        longest = max(map(len, self.x_texts))
        every = max(1, math.ceil(len(self.x_texts) * longest * _X_TEXT / 100 / 2))
        texts = list(enumerate(self.x_texts))[::every]
        return [(self._left(index), text) for index, text in texts]

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Places from the top, with their texts."""
        return [(round(100 - tick.place, 2), tick.text) for tick in self._y_axis.ticks]

    @cached_property
    def curves(self) -> list[_Curve]:
        """The series that have values, those behind others first."""
        found: list[_Curve] = []
        place = 0
        for series in self.series:
            points = [self._point(*known) for known in _thinned(_known(series))]
            color = place if series.color is None else series.color
            if points:
                path = _path(points, series.style == "step")
                found.append(_Curve(series.name, series.style, color % _COLORS, points, path))
            place += series.style != "pale"
        return found

    @property
    def ringed(self) -> list[tuple[int, _Point]]:
        """The colours and the points of the marked x."""
        if self.marked is None:
            return []
        place = self._left(self.marked)
        return [
            (curve.color, point)
            for curve in self.curves
            if curve.style == "points"
            for point in curve.points
            if point.x == place
        ]

    @property
    def hover(self) -> dict[str, Any]:
        """What the script shows: of each curve its points as (x, y, what x is, value)."""
        return {
            "x": self.x_name,
            "curves": [
                {
                    "name": curve.name,
                    "color": curve.color,
                    "pale": curve.style == "pale",
                    "points": [point[:4] for point in curve.points],
                }
                for curve in self.curves
            ],
        }

    @property
    def summary(self) -> str:
        """The drawing in words."""
        parts = [
            f"{curve.name} from {curve.points[0].text} to {curve.points[-1].text}"
            for curve in self.curves
        ]
        return f"{self.title} over {self.x_name}: {'; '.join(parts)}"

    def _left(self, x: float) -> float:
        if not self.x_texts:
            return self._x_axis.place(x)
        return round(100 * (x + 0.5) / len(self.x_texts), 2)

    def _point(self, x: float, y: float, low: float, high: float) -> _Point:
        at = self.x_texts[int(x)] if self.x_texts else f"{x:,g}" if x % 1 else f"{x:,.0f}"
        text = number_text(y, self.form)
        place = self._y_axis.place
        if low == y:
            return _Point(self._left(x), round(100 - place(y), 2), at, text, None, None)
        return _Point(
            self._left(x),
            round(100 - place(y), 2),
            at,
            f"{text} ± {number_text(y - low, self.form)}",
            round(100 - place(low), 2),
            round(100 - place(high), 2),
        )


def _path(points: Sequence[_Point], is_step: bool) -> str:
    """A path through the points; of steps with a corner before each."""
    first, *others = points
    parts = [f"H{p.x:g}V{p.y:g}" if is_step else f"L{p.x:g} {p.y:g}" for p in others]
    return f"M{first.x:g} {first.y:g}" + "".join(parts)


def _known(series: Series) -> list[tuple[float, float, float, float]]:
    """The finite values of a series: x, y, and the ends of the spread."""
    spreads = series.spreads or [math.nan] * len(series.xs)
    found = []
    for x, y, spread in zip(series.xs, series.ys, spreads, strict=True):
        if math.isfinite(y):
            reach = spread if math.isfinite(spread) else 0.0
            found.append((x, y, y - reach, y + reach))
    return found


def _thinned(
    points: list[tuple[float, float, float, float]],
) -> list[tuple[float, float, float, float]]:
    """Every n-th point, and the last, of more than a page can show."""
    every = math.ceil(len(points) / _MOST_POINTS)
    return points if every <= 1 else [*points[:-1:every], points[-1]]
