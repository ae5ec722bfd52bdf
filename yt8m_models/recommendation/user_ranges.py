"""Users' events where the workers of a cluster find them, range by range."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yt8m_models.data.ragged import runs
from yt8m_models.engines.spread import parts_beside
from yt8m_models.recommendation.user_events import UserEvents

_RANGES_OF_CORE = 4  # so that a core that is done has more to do


@dataclass(frozen=True)
class UserRange:
    """Users of rows `[start, stop)`, and the number of the range."""

    number: int
    start: int
    stop: int


@contextlib.contextmanager
def user_ranges(
    spark: Any, events: UserEvents, output: str
) -> Iterator[tuple[str, list[UserRange]]]:
    """A directory with the events, and ranges of users that have about equally many of them.

    Raises:
        ValueError: as of `parts_beside`.
    """
    with parts_beside(output) as directory:
        events.save(directory)
        most = -(-len(events) // (_RANGES_OF_CORE * spark.sparkContext.defaultParallelism))
        ranges = [UserRange(n, *ends) for n, ends in enumerate(runs(events.offsets, most))]
        yield directory, ranges
