"""All users' parts, solved by the workers of a cluster."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial, reduce
from typing import Any

import numpy as np

from yt8m_models.engines.spread import spread
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.mixed_effects.all_users import AllUsers
from yt8m_models.recommendation.mixed_effects.known_events import (
    known_event_ranges,
    open_known_events,
)
from yt8m_models.recommendation.mixed_effects.user_batches import UserBatches
from yt8m_models.recommendation.mixed_effects.user_newton import Derivatives, solve_users
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.recommendation.user_ranges import UserRange
from yt8m_models.storage.artifact_dir import read_array, write_array
from yt8m_models.storage.spilled_array import SpilledArray


class SpreadUsers(AllUsers):
    """Users whose ranges are a task each, which gives the sums of their gradients and curvatures.

    A task reads the parts of its users that the last round has left, as a file, and leaves those of
    this round as another: one that is done again begins where it began before.

    Args:
        spark: the session.
        events: of the users, with 0 and 1 as values of `LABEL`.
        directory, ranges: as of `known_event_ranges`.
        size: coefficients of a user.
        l2: weight of the prior on a user's part, above 0.
        tolerance: as of `solve_users`.
        bar: shows how many users are solved.
    """

    def __init__(
        self,
        spark: Any,
        events: UserEvents,
        directory: str,
        ranges: Sequence[UserRange],
        size: int,
        l2: float,
        tolerance: float,
        bar: Progress,
    ) -> None:
        self.size = size
        self.num_events = len(events)
        self.share = float(np.mean(events.values[LABEL]))
        self._spark = spark
        self._ranges = ranges
        self._round = _Round(directory, 0, np.zeros(size), l2, tolerance)
        self._bar = bar

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls,
        spark: Any,
        events: UserEvents,
        vectors: np.ndarray,
        output: str,
        l2: float,
        tolerance: float,
        bar: Progress,
    ) -> Iterator["SpreadUsers"]:
        """The users of events, whose files are gone when the block ends.

        Args:
            spark: the session.
            events: with 0 and 1 as values of `LABEL`.
            vectors: features of their videos, float32 `(videos, d)`.
            output: where the model goes; the `known_event_ranges` are beside it.
            l2: weight of the prior on a user's part, above 0.
            tolerance: as of `solve_users`.
            bar: shows how many users are solved.

        Raises:
            ValueError: as of `user_ranges`.
        """
        with known_event_ranges(spark, events, vectors, output) as (directory, ranges):
            size = 1 + vectors.shape[1]
            yield cls(spark, events, directory, ranges, size, l2, tolerance, bar)

    def solve(self, fixed: np.ndarray) -> Derivatives:
        last = self._round
        self._round = dataclasses.replace(last, number=last.number + 1, fixed=fixed)
        os.mkdir(self._round.directory())
        solved = spread(self._spark, partial(_solve_range, self._round), self._ranges)
        shutil.rmtree(last.directory(), ignore_errors=True)  # there is none before the first
        self._bar.update(self._ranges[-1].stop)
        return reduce(Derivatives.__add__, solved)

    def coefficients(self) -> np.ndarray:
        found = SpilledArray(np.float32, self.size)
        for part in self._ranges:
            found.append(self._round.parts(part))
        return found.mapped()


@dataclasses.dataclass(frozen=True)
class _Round:
    """A fixed effect that all users are solved for, and where their parts are then."""

    events: str
    number: int
    fixed: np.ndarray
    l2: float
    tolerance: float

    def directory(self) -> str:
        return os.path.join(self.events, f"round-{self.number}")

    def parts(self, part: UserRange) -> np.ndarray:
        shape = (part.stop - part.start, len(self.fixed))
        return read_array(self.directory(), f"{part.number:05}", np.float64, shape)


def _solve_range(this: _Round, part: UserRange) -> Derivatives:
    """What a worker does with a range of users."""
    batches = _batches(this.events, part, len(this.fixed) - 1)
    before = dataclasses.replace(this, number=this.number - 1)
    parts = np.zeros((part.stop - part.start, batches.size))
    if before.number:
        parts[:] = before.parts(part)
    total = Derivatives.nothing(batches.size)
    with require("threadpoolctl").threadpool_limits(1, user_api="blas"):
        for number in range(len(batches)):
            batch = batches[number]
            solved = solve_users(batch, this.fixed, parts[batch.users], this.l2, this.tolerance)
            parts[batch.users] = solved.coefficients
            total += solved
    write_array(this.directory(), f"{part.number:05}", parts)
    return total


@lru_cache(maxsize=8)
def _batches(directory: str, part: UserRange, width: int) -> UserBatches:
    """The batches of a range, from files that are memory-mapped."""
    events, vectors = open_known_events(directory, width)
    offsets = events.offsets[part.start : part.stop + 1]
    own = slice(offsets[0], offsets[-1])
    rows, labels = events.video_rows[own], events.values[LABEL][own]
    return UserBatches(vectors, offsets - offsets[0], rows, labels)
