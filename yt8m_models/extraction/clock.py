"""The times of a stream's frames."""

from __future__ import annotations

from fractions import Fraction

_SET_BACK = Fraction(1)
_SET_AHEAD = Fraction(10)


class Clock:
    """Turns the time stamps of one stream into seconds, and goes on where they start anew.

    Recordings that were joined have stamps that fall back by more than a second, and in transport
    streams also such that leap ahead by more than ten; elsewhere a leap is a pause. There the frame
    follows the one before, as does a frame without a stamp.

    Arguments:
        time_base: the seconds of a unit of the stamps.
        can_leap: whether the format's stamps may leap.

    Attributes:
        end: when the last frame ends; None before the first.
    """

    def __init__(self, time_base: Fraction, can_leap: bool) -> None:
        self.time_base = time_base
        self.can_leap = can_leap
        self.end: Fraction | None = None
        self._shift = Fraction(0)

    def time(self, stamp: int | None, duration: Fraction) -> Fraction:
        """When the next frame begins, given its stamp and how many seconds it lasts."""
        if stamp is None:
            time = Fraction(0) if self.end is None else self.end
        else:
            time = stamp * self.time_base + self._shift
        if self.end is not None and self._starts_anew(time - self.end):
            self._shift += self.end - time
            time = self.end
        self.end = time + duration
        return time

    def _starts_anew(self, gap: Fraction) -> bool:
        return gap < -_SET_BACK or (self.can_leap and gap > _SET_AHEAD)
