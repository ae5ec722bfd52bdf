"""Recommending videos to the users of a file."""

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from yt8m_models.data.ragged import runs
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommender import Recommender
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.recommendation.user_ranges import UserRange, user_ranges
from yt8m_models.retrieval.index import Index
from yt8m_models.storage.whole_file import join, text_output, whole_file

_BLOCK_VIDEOS = 1 << 14
_NUM_NAMED = 5
_HEADER = "user_id,rank,video_id,score\n"


@dataclass(frozen=True)
class Recommendation:
    """What was recommended.

    Attributes:
        num_lines: user and video pairs that were written.
        top_k: how many there are of each user at most.
        num_users: users that have a history.
        num_short: those with fewer, as the index has no more that they did not watch.
        num_without: those of them with none.
        without_filter: users of whose history the filters left nothing: it is all that they
            watched.
        num_new_users: users that watched no known video, and have no history.
        new_users: ids of the first of them.
        num_unknown_events: events of videos that have no vector.
        num_unknown_videos: such videos.
        unknown_video: one of them.
    """

    num_lines: int
    top_k: int
    num_users: int
    num_short: int
    num_without: int
    without_filter: int
    num_new_users: int
    new_users: tuple[str, ...]
    num_unknown_events: int
    num_unknown_videos: int
    unknown_video: str | None

    def text(self) -> str:
        """A line for each thing that users should know."""
        lines = [f"{self.num_lines:,} videos for {self.num_users:,} users"]
        if self.num_short:
            lines.append(
                f"{self.num_short:,} users have fewer than {self.top_k}, {self.num_without:,} of "
                "them none: they watched the others in the index"
            )
        if self.num_unknown_videos:
            lines.append(
                f"{self.num_unknown_events:,} watches are of {self.num_unknown_videos:,} "
                f"unknown videos, e.g. {self.unknown_video!r}"
            )
        if self.without_filter:
            lines.append(
                f"the filter left nothing of {self.without_filter:,} users: their whole "
                "history counts"
            )
        if self.new_users:
            more = ", …" if self.num_new_users > len(self.new_users) else ""
            lines.append(
                f"nothing for {self.num_new_users:,} users without any known video: "
                f"{', '.join(self.new_users)}{more}"
            )
        return "\n".join(lines)


def recommend(config: RecommendConfig, progress: bool = False, spark: Any = None) -> Recommendation:
    """Writes the best videos for each user, best first, without those that the user watched.

    Users come in the order of the history files, in blocks, so that memory is that of the index, of
    the ids and of a block; the events are sorted on disk. A user of whose history the filters leave
    nothing is answered from all that it watched; one that watched no known video gets no lines.

    Args:
        config: the log, the index, and how many videos for whom.
        progress: show a progress bar on stderr.
        spark: a `SparkSession` whose workers each answer a range of users, as of
            `EngineOptions.session`; `None` for this process.

    Raises:
        ValueError: as of `Recommender` and its `fit`; or there is no output with `spark`.
        OSError: Spark cannot finish its work.
    """
    if spark is not None and not config.output:
        raise ValueError("--output must be given with --engine=spark")
    recommender = _recommender(config).fit_log(config)
    if config.recommender_dir:
        recommender.save(config.recommender_dir)
    events = recommender.reader.events
    if spark is None:
        bar = Progress(len(events.users), "users", "recommending", enabled=progress)
        with text_output(config.output) as file, bar:
            file.write(_HEADER)
            done = []
            for start, stop in events.blocks():
                done.append(_answer(recommender, file, start, stop, config.top_k))
                bar.update(stop - start)
    else:
        done = _recommend_spread(spark, config, events)
    total = _total(done)
    missing = [user for user in config.users if events.users.rows([user])[0] == UNKNOWN]
    return Recommendation(
        total.num_lines,
        config.top_k,
        total.num_users,
        total.num_short,
        total.num_without,
        total.without_filter,
        total.num_new_users + len(missing),
        tuple([*(user.decode() for user in events.users[total.new_users]), *missing][:_NUM_NAMED]),
        total.num_unknown_events,
        recommender.num_unknown_videos,
        recommender.unknown_video,
    )


class _Done(NamedTuple):
    """What was done for some users: as of `Recommendation`, but for the rows of new users."""

    num_lines: int
    num_users: int
    num_short: int
    num_without: int
    without_filter: int
    num_new_users: int
    num_unknown_events: int
    new_users: np.ndarray


def _total(done: Sequence[_Done]) -> _Done:
    *counts, _ = _Done._fields
    sums: dict[str, Any] = {name: sum(getattr(each, name) for each in done) for name in counts}
    return _Done(**sums, new_users=np.concatenate([each.new_users for each in done])[:_NUM_NAMED])


def _answer(recommender: Recommender, file: IO[str], start: int, stop: int, top_k: int) -> _Done:
    """Writes the lines of the users of rows `[start, stop)`."""
    reader = recommender.reader
    histories = reader.read(start, stop)
    counts = np.zeros(len(histories.users), np.int64)
    for first, last in runs(histories.offsets, _BLOCK_VIDEOS):
        scores, best = recommender.of_histories(histories, first, last, top_k)
        users = reader.events.users[histories.users[first:last]]
        counts[first:last] = _write(file, users, scores, best, recommender.index)
    return _Done(
        int(counts.sum()),
        len(counts),
        int(np.count_nonzero(counts < top_k)),
        int(np.count_nonzero(counts == 0)),
        histories.without_filter,
        len(histories.new_users),
        histories.num_unknown_events,
        histories.new_users[:_NUM_NAMED],
    )


def _recommend_spread(spark: Any, config: RecommendConfig, events: UserEvents) -> list[_Done]:
    """Has workers write parts of the output for ranges of users, and puts these together."""
    there = dataclasses.replace(
        config,
        index_dir=absolute(config.index_dir),
        embeddings_dir=absolute(config.embeddings_dir),
        users=(),
    )
    with user_ranges(spark, events, config.output) as (directory, ranges):
        done = spread(spark, partial(_recommend_range, there, directory), ranges)
        with whole_file(config.output) as file:
            file.write(_HEADER.encode())
            for part in ranges:
                with open(_part(directory, part), "rb") as lines:
                    shutil.copyfileobj(lines, file)
    return done


def _recommend_range(config: RecommendConfig, directory: str, part: UserRange) -> _Done:
    """What a worker does with a range of users; it opens the index once in a run."""
    recommender = _opened(config, directory)
    with whole_file(_part(directory, part), "w") as file:
        blocks = recommender.reader.events.blocks(part.start, part.stop)
        return _total([_answer(recommender, file, *block, config.top_k) for block in blocks])


@lru_cache(maxsize=1)
def _opened(config: RecommendConfig, directory: str) -> Recommender:
    return _recommender(config).fit_events(UserEvents.open(directory), config)


def _recommender(config: RecommendConfig) -> Recommender:
    return Recommender(config.index_dir, config.aggregation, config.embeddings_dir or None)


def _part(directory: str, part: UserRange) -> str:
    return join(directory, f"{part.number:05}.csv")


def _write(
    file: IO[str], users: np.ndarray, scores: np.ndarray, rows: np.ndarray, index: Index
) -> np.ndarray:
    """Writes the lines of users; how many each has."""
    places, ranks = np.nonzero(rows != UNKNOWN)
    table = pd.DataFrame(
        {
            "user_id": np.char.decode(users)[places],
            "rank": ranks + 1,
            "video_id": np.char.decode(index.ids[rows[places, ranks]]),
            "score": scores[places, ranks],
        }
    )
    table.to_csv(file, header=False, index=False, float_format="%.6g")
    return np.bincount(places, minlength=len(users))
