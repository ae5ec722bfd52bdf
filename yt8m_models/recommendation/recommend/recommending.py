"""Recommending videos to the users of a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.histories import Histories
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommender import Recommender
from yt8m_models.retrieval.index import Index
from yt8m_models.storage.whole_file import text_output

_BLOCK_VIDEOS = 1 << 14
_NUM_NAMED = 5


@dataclass(frozen=True)
class Recommendation:
    """What was recommended.

    Attributes:
        num_lines: user and video pairs that were written.
        top_k: how many there are of each user at most.
        num_short: users with fewer, as the index has no more that they did not watch.
        num_without: those of them with none.
        histories: whose they are, and what could not be used.
    """

    num_lines: int
    top_k: int
    num_short: int
    num_without: int
    histories: Histories

    def text(self) -> str:
        """A line for each thing that users should know."""
        histories = self.histories
        lines = [f"{self.num_lines:,} videos for {len(histories.users):,} users"]
        if self.num_short:
            lines.append(
                f"{self.num_short:,} users have fewer than {self.top_k}, {self.num_without:,} of "
                "them none: they watched the others in the index"
            )
        if histories.num_unknown_videos:
            lines.append(
                f"{histories.num_unknown_events:,} watches are of {histories.num_unknown_videos:,} "
                f"unknown videos, e.g. {histories.unknown_video!r}"
            )
        if histories.without_filter:
            lines.append(
                f"the filter left nothing of {histories.without_filter:,} users: their whole "
                "history counts"
            )
        if histories.new_users:
            named = ", ".join(histories.new_users[:_NUM_NAMED])
            more = ", …" if len(histories.new_users) > _NUM_NAMED else ""
            lines.append(
                f"nothing for {len(histories.new_users):,} users without any known video: "
                f"{named}{more}"
            )
        return "\n".join(lines)


def recommend(config: RecommendConfig, progress: bool = False) -> Recommendation:
    """Writes the best videos for each user, best first, without those that the user watched.

    Users come in the order of the history files, in blocks, so that memory is that of the index, of
    the histories and of a block. A user of whose history the filters leave nothing is answered from
    all that it watched; one that watched no known video gets no lines.

    Raises:
        ValueError: as of `Recommender` and its `fit`.
    """
    recommender = Recommender(config.index_dir, config.aggregation, config.embeddings_dir or None)
    histories = recommender.fit_log(config).histories
    counts = np.zeros(len(histories.users), np.int64)
    bar = Progress(len(histories.users), "users", "recommending", enabled=progress)
    with text_output(config.output) as file, bar:
        file.write("user_id,rank,video_id,score\n")
        for start, stop in _blocks(histories.offsets):
            scores, best = recommender.of_users(start, stop, config.top_k)
            counts[start:stop] = _write(
                file, histories.users[start:stop], scores, best, recommender.index
            )
            bar.update(stop - start)
    return Recommendation(
        int(counts.sum()),
        config.top_k,
        int(np.count_nonzero(counts < config.top_k)),
        int(np.count_nonzero(counts == 0)),
        histories,
    )


def _blocks(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs of users whose histories together have a limited number of videos."""
    start, num_users = 0, len(offsets) - 1
    while start < num_users:
        stop = int(np.searchsorted(offsets, offsets[start] + _BLOCK_VIDEOS, side="right")) - 1
        stop = min(max(stop, start + 1), num_users)
        yield start, stop
        start = stop


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
