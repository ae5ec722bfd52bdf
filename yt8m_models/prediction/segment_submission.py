"""The submission file for segments: a line of the best segments for each class."""

from typing import IO

import numpy as np

HEADER = b"Class,Segments\n"


class SegmentSubmission:
    """Keeps the best segments of each class, and writes `class,id:start id:start …`, best first.

    Of equal scores the segment that came first is better. Memory is bounded by the number of
    classes times `max_segments`, however many segments come: about 16 bytes for each, and some 70
    while sorting.

    Args:
        file: where the bytes go.
        max_segments: segments that a class keeps.
        buffered: pairs of segment and class that are gathered before they are sorted in; more
            where many are kept.

    Attributes:
        forbidden_in_ids: what no id may have, as readers split lines at commas and spaces.
    """

    forbidden_in_ids = ' \t\n\v\f\r,"'

    def __init__(self, file: IO[bytes], max_segments: int, buffered: int = 1 << 20) -> None:
        if max_segments < 1:
            raise ValueError(f"--segment_max_pred must be at least 1; received {max_segments}")
        self.file = file
        self.max_segments = max_segments
        self.buffered = buffered
        self._best = _entries(np.empty(0), np.empty(0), np.empty(0, "S1"))
        self._new: list[np.ndarray] = []
        self._floors = np.empty(0, np.float32)

    def add(self, segment_ids: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> None:
        """Takes in the predictions of a batch of segments.

        Args:
            segment_ids: bytes `(batch,)`.
            classes: the best classes of each segment `(batch, top_k)`.
            scores: their predictions `(batch, top_k)`.
        """
        ids = np.repeat(np.asarray(segment_ids, dtype=bytes), classes.shape[1])
        self._new.append(self._above_floors(_entries(classes.ravel(), scores.ravel(), ids)))
        kept = len(self._best)
        if self.num_held - kept >= max(self.buffered, kept // 4):
            self._merge()

    @property
    def num_held(self) -> int:
        """How many entries are in memory."""
        return sum(map(len, (self._best, *self._new)))

    def finish(self) -> None:
        """Writes the file, classes in ascending order."""
        self._merge()
        self.file.write(HEADER)
        classes, starts = np.unique(self._best["class"], return_index=True)
        for label, entries in zip(classes, np.split(self._best, starts[1:]), strict=False):
            self.file.write(b"%d,%b\n" % (label, b" ".join(entries["id"].tolist())))

    def _above_floors(self, entries: np.ndarray) -> np.ndarray:
        """The entries that a full class can still take."""
        known = entries["class"] < len(self._floors)
        floors = np.full(len(known), -np.inf, np.float32)
        floors[known] = self._floors[entries["class"][known]]
        return entries[entries["score"] > floors]

    def _merge(self) -> None:
        """Sorts the gathered entries into the best, by class, then score, then arrival."""
        merged = np.concatenate([self._best, *self._new])
        self._new = []
        merged = merged[np.lexsort((-merged["score"], merged["class"]))]
        counts = np.bincount(merged["class"])
        ranks = np.arange(len(merged)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._best = merged[ranks < self.max_segments]
        last = merged[ranks == self.max_segments - 1]
        self._floors = np.full(len(counts), -np.inf, np.float32)
        self._floors[last["class"]] = last["score"]


def _entries(classes: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Pairs of segment and class as an array with the columns class, score and id, `(entries,)`."""
    columns = [("class", np.int32), ("score", np.float32), ("id", ids.dtype)]
    entries = np.empty(len(ids), columns)
    entries["class"], entries["score"], entries["id"] = classes, scores, ids
    return entries
