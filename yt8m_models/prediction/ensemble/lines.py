"""Lines of several submission files, as columns, and dealt out to temporary files by video."""

import itertools
import os
import pickle
import zlib
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


def line_keys(file: int, lines: np.ndarray) -> np.ndarray:
    """Keys of the lines of a file with these numbers, int64; ascending by file, then by line."""
    return (file << _LINE_BITS) + lines


class Partitions:
    """Files in which all lines of one video are together, so that memory stays bounded.

        partitions = Partitions(directory, 16)
        partitions.add(lines)
        …
        for part in range(16):
            lines = partitions.take(part)

    Args:
        directory: an empty directory for the files.
        count: how many, at most 256.
    """

    def __init__(self, directory: str, count: int) -> None:
        self._paths = [os.path.join(directory, f"{part}.part") for part in range(count)]
        for path in self._paths:
            open(path, "wb").close()

    def add(self, lines: Lines) -> None:
        """Deals out lines; each partition keeps their order."""
        count = len(self._paths)
        parts = np.array([zlib.crc32(video) % count for video in lines.video_ids], np.uint8)
        for part in np.unique(parts):
            with open(self._paths[part], "ab") as file:
                pickle.dump(lines.at(np.flatnonzero(parts == part)), file, protocol=5)

    def take(self, part: int) -> Lines:
        """The lines of a partition, in the order in which they came; removes its file."""
        nothing = np.empty(0, np.int64)
        chunks = [Lines(nothing, [], nothing, np.empty(0, np.int32), np.empty(0))]
        with open(self._paths[part], "rb") as file:
            while file.peek(1):
                chunks.append(pickle.load(file))
        os.remove(self._paths[part])
        keys, ids, counts, labels, scores = zip(*chunks, strict=True)
        return Lines(
            np.concatenate(keys),
            list(itertools.chain.from_iterable(ids)),
            np.concatenate(counts),
            np.concatenate(labels),
            np.concatenate(scores),
        )
