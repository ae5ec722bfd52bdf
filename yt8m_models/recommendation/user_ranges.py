"""Users' events where the workers of a cluster find them, range by range."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt8m_models.data.ragged import runs
from yt8m_models.engines.spread import absolute
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.storage import filesystems

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

    It is a hidden one beside the output, which all workers must see, and goes with the block.

    Raises:
        ValueError: the output is not local.
    """
    if filesystems.scheme(output):
        raise ValueError(f"{output} must be local with --engine=spark: workers map files beside it")
    parent, name = os.path.split(absolute(output.rstrip("/")))
    directory = Path(parent, f".{name}.{uuid.uuid4().hex[:8]}.parts")
    directory.mkdir(parents=True)
    try:
        events.save(directory)
        most = -(-len(events) // (_RANGES_OF_CORE * spark.sparkContext.defaultParallelism))
        ranges = [UserRange(n, *ends) for n, ends in enumerate(runs(events.offsets, most))]
        yield str(directory), ranges
    finally:
        shutil.rmtree(directory, ignore_errors=True)
