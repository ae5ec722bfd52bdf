"""The best label of each video of a submission file."""

from typing import NamedTuple

import numpy as np

from yt8m_models.prediction.submission_reader import Predictions, line_starts, read_submission

NO_LABEL = -1
ABSENT = -2


class BestLabels(NamedTuple):
    """Videos in the order of their ids; some ten bytes each in memory.

    Attributes:
        video_ids: bytes `(videos,)`, ascending.
        labels: the best label of each video, `NO_LABEL` where the file lists none, `(videos,)`.
    """

    video_ids: np.ndarray
    labels: np.ndarray

    def of(self, video_ids: np.ndarray) -> np.ndarray:
        """The best labels of videos, `ABSENT` for those that are not here, `(videos,)`."""
        places = np.searchsorted(self.video_ids[:-1], video_ids)
        return np.where(self.video_ids[places] == video_ids, self.labels[places], ABSENT)


def read_best_labels(path: str) -> BestLabels:
    """Reads a submission file; of equal scores the lower label is better.

    Raises:
        ValueError: there is no video, a line is malformed, or a video has two; names file and line.
        OSError: the file cannot be read.
    """
    ids, labels = [np.empty(0, "S1")], [np.empty(0, np.int32)]
    for block in read_submission(path):
        ids.append(np.array(block.video_ids, dtype=bytes))
        labels.append(_best(block))
    video_ids = np.concatenate(ids)
    if not len(video_ids):
        raise ValueError(f"{path} has no video")
    order = np.argsort(video_ids, kind="stable")
    video_ids = video_ids[order]
    repeated = np.flatnonzero(video_ids[1:] == video_ids[:-1])
    if len(repeated):
        first, second = order[repeated[0] : repeated[0] + 2] + 2  # the header is line 1
        raise ValueError(
            f"{path}, line {second}: video {video_ids[repeated[0]].decode(errors='replace')!r} is "
            f"already in line {first}"
        )
    return BestLabels(video_ids, np.concatenate(labels)[order])


def _best(block: Predictions) -> np.ndarray:
    """The best label of each line, int32 `(lines,)`."""
    best = np.full(len(block.counts), NO_LABEL, np.int32)
    lines = np.flatnonzero(block.counts)
    if len(lines):
        starts = line_starts(block.counts)[lines]
        highest = np.maximum.reduceat(block.scores, starts)
        is_best = block.scores == np.repeat(highest, block.counts[lines])
        labels = np.where(is_best, block.labels, np.iinfo(np.int32).max)
        best[lines] = np.minimum.reduceat(labels, starts)
    return best
