"""The submission file for segments: a line of the best segments for each class."""

from typing import NamedTuple

import numpy as np

from yt8m_models.prediction.submission import BinaryFile

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
    """

    def __init__(self, file: BinaryFile, max_segments: int, buffered: int = 1 << 20) -> None:
        if max_segments < 1:
            raise ValueError(f"--segment_max_pred must be at least 1; received {max_segments}")
        self.file = file
        self.max_segments = max_segments
        self.buffered = buffered
        self._best = _Entries(
            np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.dtype("S1"))
        )
        self._new: list[_Entries] = []
        self._floors = np.empty(0, np.float32)

    def add(self, segment_ids: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> None:
        """Takes in the predictions of a batch of segments.

        Args:
            segment_ids: bytes `(batch,)`.
            classes: the best classes of each segment `(batch, top_k)`.
            scores: their predictions `(batch, top_k)`.
        """
        ids = np.repeat(np.asarray(segment_ids, dtype=bytes), classes.shape[1])
        entries = _Entries(classes.ravel().astype(np.int32), scores.ravel(), ids)
        self._new.append(self._above_floors(entries))
        kept = len(self._best.classes)
        if self.num_held - kept >= max(self.buffered, kept // 4):
            self._merge()

    @property
    def num_held(self) -> int:
        """How many entries are in memory."""
        return sum(len(entries.classes) for entries in (self._best, *self._new))

    def finish(self) -> None:
        """Writes the file, classes in ascending order."""
        self._merge()
        self.file.write(HEADER)
        classes, starts = np.unique(self._best.classes, return_index=True)
        ends = np.append(starts, len(self._best.ids))[1:]
        for label, start, end in zip(classes.tolist(), starts, ends, strict=True):
            ids = self._best.ids[start:end].tolist()
            self.file.write(b"%d,%b\n" % (label, b" ".join(ids)))

    def _above_floors(self, entries: "_Entries") -> "_Entries":
        """The entries that a full class can still take."""
        known = entries.classes < len(self._floors)
        floors = np.full(len(known), -np.inf, np.float32)
        floors[known] = self._floors[entries.classes[known]]
        return entries.at(entries.scores > floors)

    def _merge(self) -> None:
        """Sorts the gathered entries into the best, by class, then score, then arrival."""
        parts = [self._best, *self._new]
        self._new = []
        merged = _Entries(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        merged = merged.at(np.lexsort((-merged.scores, merged.classes)))
        counts = np.bincount(merged.classes)
        ranks = np.arange(len(merged.classes)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._best = merged.at(ranks < self.max_segments)
        last = ranks[ranks < self.max_segments] == self.max_segments - 1
        self._floors = np.full(len(counts), -np.inf, np.float32)
        self._floors[self._best.classes[last]] = self._best.scores[last]


class _Entries(NamedTuple):
    """Pairs of segment and class as columns, each `(entries,)`."""

    classes: np.ndarray
    scores: np.ndarray
    ids: np.ndarray

    def at(self, index: np.ndarray) -> "_Entries":
        return _Entries(*(column[index] for column in self))
