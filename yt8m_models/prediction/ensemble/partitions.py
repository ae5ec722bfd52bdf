"""Lines dealt out to temporary files by a hash of the video id, so that memory stays bounded."""

import os
import zlib

import numpy as np

from yt8m_models.prediction.ensemble.lines import Lines

_NOTHING = Lines(
    np.empty(0, np.int64), [], np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0)
)


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
        self.count = count
        self._paths = [os.path.join(directory, f"{part}.part") for part in range(count)]

    def add(self, lines: Lines) -> None:
        """Deals out lines; each partition keeps their order."""
        parts = np.array([zlib.crc32(video) % self.count for video in lines.video_ids], np.uint8)
        order = np.argsort(parts, kind="stable")
        pair_parts = np.repeat(parts, lines.counts)
        pair_order = np.argsort(pair_parts, kind="stable")
        keys, counts = lines.keys[order], lines.counts[order]
        labels, scores = lines.labels[pair_order], lines.scores[pair_order]
        edges = np.arange(self.count + 1)
        ends = np.searchsorted(parts[order], edges)
        pair_ends = np.searchsorted(pair_parts[pair_order], edges)
        for part in np.unique(parts).tolist():
            rows = slice(ends[part], ends[part + 1])
            pairs = slice(pair_ends[part], pair_ends[part + 1])
            ids = b"".join([lines.video_ids[row] + b"\n" for row in order[rows].tolist()])
            columns = (keys[rows], np.frombuffer(ids, np.uint8), counts[rows])
            with open(self._paths[part], "ab") as file:
                for column in (*columns, labels[pairs], scores[pairs]):
                    np.save(file, column)

    def take(self, part: int) -> Lines:
        """The lines of a partition, in the order in which they came; removes its file."""
        path = self._paths[part]
        if not os.path.exists(path):
            return _NOTHING
        chunks = []
        with open(path, "rb") as file:
            while file.peek(1):
                chunks.append([np.load(file) for _ in Lines._fields])
        os.remove(path)
        keys, ids, counts, labels, scores = zip(*chunks, strict=True)
        return Lines(
            np.concatenate(keys),
            np.concatenate(ids).tobytes().split(b"\n")[:-1],
            np.concatenate(counts),
            np.concatenate(labels),
            np.concatenate(scores),
        )
