"""Means and their spread, a line for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from yt8m_models.report.axis import Axis
from yt8m_models.report.numbers import number_text


class Spread(NamedTuple):
    """What a line shows.

    Attributes:
        name: of the line.
        mean: the value.
        deviation: its standard deviation, NaN where it is not known.
    """

    name: str
    mean: float
    deviation: float = math.nan


class _Bar(NamedTuple):
    """A line as it is drawn; places in per cent from the left."""

    name: str
    text: str
    place: float
    start: float
    end: float
    is_best: bool


@dataclass(frozen=True)
class SpreadChart:
    """A point for each mean, in a bar of a standard deviation to both sides.

    The axis spans the values, and so need not begin at 0.

    Attributes:
        title: what the values are.
        spreads: at least one, with a finite mean.
        form: the format of the values.
    """

    title: str
    spreads: Sequence[Spread]
    form: str = ".4f"
    template: ClassVar[str] = "spread_chart.html"

    @cached_property
    def _axis(self) -> Axis:
        return Axis(end for spread in self.spreads for end in _ends(spread))

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places from the left, with their texts."""
        return [(tick.place, tick.text) for tick in self._axis.ticks]

    @property
    def bars(self) -> list[_Bar]:
        """The lines, the highest mean of them the best."""
        best = max(spread.mean for spread in self.spreads)
        place = self._axis.place
        return [
            _Bar(
                spread.name,
                self._text(spread),
                place(spread.mean),
                place(_ends(spread)[0]),
                place(_ends(spread)[1]),
                spread.mean == best,
            )
            for spread in self.spreads
        ]

    @property
    def summary(self) -> str:
        """The drawing in words."""
        return f"{self.title}: " + "; ".join(
            f"{spread.name} {self._text(spread)}" for spread in self.spreads
        )

    def _text(self, spread: Spread) -> str:
        text = number_text(spread.mean, self.form)
        is_known = math.isfinite(spread.deviation)
        return f"{text} ± {number_text(spread.deviation, self.form)}" if is_known else text


def _ends(spread: Spread) -> tuple[float, float]:
    reach = spread.deviation if math.isfinite(spread.deviation) else 0.0
    return spread.mean - reach, spread.mean + reach
