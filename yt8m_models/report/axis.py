"""An axis of a drawing."""

import math
from collections.abc import Iterable
from typing import NamedTuple

_TICKS = 5
_STEPS = (1, 2, 2.5, 5, 10)


class _Tick(NamedTuple):
    """A place on the axis in per cent, and its text."""

    place: float
    text: str


class Axis:
    """Places of values between two round ends, in per cent of the axis.

    Args:
        values: finite ones, at least one; all of them have a place.
        with_zero: begin at 0.

    Attributes:
        ticks: at round values.
    """

    def __init__(self, values: Iterable[float], with_zero: bool = False) -> None:
        found = [*values, 0.0] if with_zero else list(values)
        low, high = min(found), max(found)
        if low == high:
            low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
        step = _round_step((high - low) / _TICKS)
        # A little beyond the last value counts as reaching it: 0.30000000000000004 is 0.3.
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        self._low, self._high = first * step, last * step
        decimals = max(0, 1 - math.floor(math.log10(step)))
        texts = {n: f"{n * step:,.{decimals}f}" for n in range(first, last + 1)}
        while decimals and all(text.endswith("0") for text in texts.values()):
            decimals -= 1
            texts = {n: f"{n * step:,.{decimals}f}" for n in texts}
        self.ticks = [_Tick(self.place(n * step), text) for n, text in texts.items()]

    def place(self, value: float) -> float:
        """Where a value is, from 0 to 100."""
        return round(100 * (value - self._low) / (self._high - self._low), 2)


def _round_step(least: float) -> float:
    """The smallest round number that is not below `least`."""
    power = float(10.0 ** math.floor(math.log10(least)))
    return next(factor * power for factor in _STEPS if factor * power >= least * (1 - 1e-9))
