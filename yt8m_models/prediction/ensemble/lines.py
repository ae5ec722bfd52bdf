"""Lines of several submission files, as columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from yt8m_models.prediction.submission_reader import line_starts

_LINE_BITS = 40


class Lines(NamedTuple):
    """Lines of submission files in the order of `keys`; pairs of all lines follow each other.

    Attributes:
        keys: which file and line each is, int64 `(lines,)`, see `line_keys`.
        video_ids: the id of each line.
        counts: pairs of label and score in each line, int64 `(lines,)`.
        labels: int32 `(pairs,)`.
        scores: float64 `(pairs,)`.
    """

    keys: np.ndarray
    video_ids: list[bytes]
    counts: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    @property
    def files(self) -> np.ndarray:
        """Which file each line is from, int64 `(lines,)`."""
        return self.keys >> _LINE_BITS

    def at(self, rows: np.ndarray) -> "Lines":
        """The lines of some rows, with their pairs."""
        counts = self.counts[rows]
        moved = line_starts(self.counts)[rows] - line_starts(counts)
        pairs = np.repeat(moved, counts) + np.arange(counts.sum())
        ids = [self.video_ids[row] for row in rows.tolist()]
        return Lines(self.keys[rows], ids, counts, self.labels[pairs], self.scores[pairs])

    def name(self, line: int, paths: Sequence[str]) -> str:
        """What errors call a line: its file and its number there."""
        key = int(self.keys[line])
        return f"{paths[key >> _LINE_BITS]}, line {key & ((1 << _LINE_BITS) - 1)}"

    def shown_id(self, line: int) -> str:
        """What errors call the video of a line."""
        return repr(self.video_ids[line].decode(errors="replace"))


def line_keys(file: int, first_line: int, count: int) -> np.ndarray:
    """Keys of consecutive lines, int64 `(count,)`; ascending by file, then by line."""
    return (file << _LINE_BITS) + first_line + np.arange(count, dtype=np.int64)
