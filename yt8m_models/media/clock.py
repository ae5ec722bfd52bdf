"""The times of a stream's frames."""

from __future__ import annotations

from fractions import Fraction

_LONGEST_STEP_BACK = Fraction(1)


class Clock:
    """Turns the time stamps of one stream into seconds, and goes on where they start anew.

    Joined recordings have stamps that fall back by more than a second, or leap further ahead than a
    pause can be long. There the frame follows the one before, as does a frame without a stamp.

    Arguments:
        time_base: the seconds of a unit of the stamps.
        longest_pause: in seconds.

    Attributes:
        end: when the last frame ends; None before the first.
    """

    def __init__(self, time_base: Fraction, longest_pause: Fraction) -> None:
        self.time_base = time_base
        self.longest_pause = longest_pause
        self.end: Fraction | None = None
        self._shift = Fraction(0)

    def time(self, stamp: int | None, duration: Fraction) -> Fraction:
        """When the next frame begins, given its stamp and how many seconds it lasts."""
        if stamp is None:
            time = Fraction(0) if self.end is None else self.end
        else:
            time = stamp * self.time_base + self._shift
        if self.end is not None:
            pause = time - self.end
            if pause < -_LONGEST_STEP_BACK or pause > self.longest_pause:
                self._shift -= pause
                time = self.end
        self.end = time + duration
        return time
