"""The ranked entries of very many videos: in memory, and then in a temporary file."""

import itertools
import tempfile
import weakref
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from eval.ranking import best_first

_MOST_IN_MEMORY = 2**20
_SAMPLED = 61  # one of so many entries; a prime, as each video may have the same number of them


class Entries:
    """Scores, classes and hits, added in any order and given back best first.

    About a million are held in memory. More go to a file without a name in the directory of
    `tempfile`, which is gone with this object. An entry takes 7 bytes, 11 with float64 scores.

    Args:
        num_classes: classes are below it.
    """

    def __init__(self, num_classes: int) -> None:
        self._class_type = np.min_scalar_type(num_classes - 1)
        self._type = _entry_type(np.dtype(np.float32), self._class_type)
        self._held: list[bytes] = []
        self._num_held = 0
        self._file: BinaryIO | None = None

    @property
    def num_bytes(self) -> int:
        """The bytes of all entries that are in memory."""
        return sum(map(len, self._held))

    def add(self, scores: np.ndarray, classes: np.ndarray, hits: np.ndarray) -> None:
        """Adds entries, each argument `(entries,)`; the first scores' dtype is that of all."""
        if self._num_held == 0 and self._file is None:
            self._type, self._held = _entry_type(scores.dtype, self._class_type), []
        entries = np.empty(len(scores), self._type)
        entries["score"], entries["class"], entries["hit"] = scores, classes, hits
        self._held.append(entries.tobytes())
        self._num_held += len(entries)
        if self._num_held > _MOST_IN_MEMORY:
            self._move_to_file()

    def add_chunk(self, chunk: np.ndarray) -> None:
        """Adds a part of what the `chunks` of others are."""
        self.add(chunk["score"], chunk["class"], chunk["hit"])

    def best_first(self, ties: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The classes and the hits of all entries by falling score, in parts of about a million.

        Equal scores are in one part, in the order of `eval.ranking.best_first`, however many they
        are.
        """
        for part in self.chunks() if self._file is None else self._falling_parts():
            order = best_first(part["score"], part["hit"], ties)
            yield part["class"][order], part["hit"][order]

    def chunks(self) -> Iterator[np.ndarray]:
        """All entries as they were added, `score`, `class` and `hit`, those in the file in parts.

        A part has about a million.
        """
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(_MOST_IN_MEMORY * self._type.itemsize):
                yield np.frombuffer(data, self._type)
        self._held = [b"".join(self._held)]
        yield np.frombuffer(self._held[0], self._type)

    def _falling_parts(self) -> Iterator[np.ndarray]:
        """All entries in parts, each with scores below those of the part before."""
        bounds = [np.inf, *self._bounds(), np.nan]  # no score is at or below NaN
        for upper, lower in itertools.pairwise(bounds):
            yield np.concatenate([_between(chunk, lower, upper) for chunk in self.chunks()])

    def _bounds(self) -> np.ndarray:
        """Falling scores with about a million entries between neighbours, estimated by a sample."""
        samples = [chunk["score"][::_SAMPLED].copy() for chunk in self.chunks()]
        falling = np.sort(np.concatenate(samples))[::-1]
        step = _MOST_IN_MEMORY // _SAMPLED + 1
        return np.unique(falling[step::step])[::-1]

    def _move_to_file(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="yt8m-metrics-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        self._file.seek(0, 2)
        self._file.writelines(self._held)
        self._held, self._num_held = [], 0


def _between(entries: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Those above the lower score, and not above the upper one."""
    scores = entries["score"]
    return entries[(scores <= upper) & ~(scores <= lower)]


def _entry_type(score_type: np.dtype, class_type: np.dtype) -> np.dtype:
    return np.dtype([("score", score_type), ("class", class_type), ("hit", bool)])
