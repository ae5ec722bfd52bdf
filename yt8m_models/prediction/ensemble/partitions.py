"""Lines dealt out to temporary files by a hash of the video id, so that memory stays bounded."""

import itertools
import os
import pickle
import zlib

import numpy as np

from yt8m_models.prediction.ensemble.lines import Lines


class Partitions:
    """Files in which all lines of one video are together.

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
