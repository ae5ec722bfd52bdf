"""The flags that say when the tests of a watch log begin, without TensorFlow and NumPy."""

import math
from dataclasses import dataclass
from datetime import datetime, timezone

from yt8m_models.program.option import Options, option

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class SplitTimeOptions(Options):
    """When tests begin.

    Raises:
        ValueError: as of `Options`; or `test_after` is no time.
    """

    test_fraction: float = option(
        0.2, "Share of the rows that are for tests, those of the latest times.", above=0, below=1
    )
    test_after: str = option(
        "",
        "Instead of --test_fraction: tests begin at this time, seconds since 1970 or date and time "
        "as in 2026-01-31T20:15:00Z, in UTC without an offset.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_after:
            microseconds(self.test_after)


def microseconds(time: str) -> int:
    """A time of `--test_after`, since 1970.

    Raises:
        ValueError: it is neither a number nor date and time.
    """
    try:
        seconds = float(time)
    except ValueError:
        seconds = _of_date(time)
    if not math.isfinite(seconds):
        raise ValueError(
            "--test_after must be seconds since 1970 or date and time as in 2026-01-31T20:15:00Z; "
            f"received {time!r}"
        )
    return round(seconds * _MICROSECONDS)


def _of_date(text: str) -> float:
    """Seconds since 1970; NaN for what is no date."""
    try:
        date = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return math.nan
    return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
