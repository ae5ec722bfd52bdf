"""Ids of any length, one after the other, in memory or in memory-mapped files."""

from collections.abc import Iterable, Iterator

import numpy as np

MOST_BYTES = 512  # of an id
BLOCK = 1 << 16  # ids that are spread to one width at a time
_BLOCK_BYTES = 1 << 20  # of these, when their bytes are taken one by one


class PackedIds:
    """The bytes of ids without gaps, so that a long one widens no other, or in places of one width.

    Args:
        data: uint8, all ids in their order.
        ends: where each ends in `data`, int64 `(n,)`.
        places: the width of each one's place in `data`, which zeros fill up; 0 without gaps.
        file: that has them, for messages.

    Raises:
        ValueError: `data` is not as long as the last end, or the places, say.
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray, places: int = 0, file: str = "") -> None:
        self.data = data
        self.ends = ends
        self._places = places
        self.file = file
        length = len(ends) * places if places else int(ends[-1]) if len(ends) else 0
        if len(data) != length:
            raise ValueError(f"ids have {len(data)} bytes, and should have {length}")

    @classmethod
    def pack(cls, blocks: Iterable[np.ndarray]) -> "PackedIds":
        """Packs blocks of ids, bytes `(n,)` of any widths."""
        data, lengths = bytearray(), [np.zeros(0, np.int32)]
        for block in blocks:
            for start in range(0, len(block), BLOCK):
                part = block[start : start + BLOCK]
                lengths.append(np.char.str_len(part).astype(np.int32))
                spread = _spread(part)
                data += spread[np.arange(spread.shape[1]) < lengths[-1][:, None]].tobytes()
        ends = np.cumsum(np.concatenate(lengths), dtype=np.int64)
        return cls(np.frombuffer(data, np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: np.ndarray, width: int = 1) -> np.ndarray:
        """The ids of rows, bytes of the width of the longest, or of `width` where it is more.

        Raises:
            ValueError: the length of one is not that of an id; its file is named.
        """
        starts = self._starts(rows)
        lengths = self.ends[rows] - starts
        most = min(self._places or MOST_BYTES, MOST_BYTES)
        if len(rows) and (lengths.min() < 0 or lengths.max() > most or starts.min() < 0):
            wrong = rows[np.argmax((lengths < 0) | (lengths > most) | (starts < 0))]
            raise ValueError(f"{self.file} is damaged: the id of row {wrong} has no such length")
        width = max(width, int(lengths.max(initial=1)))
        ids = np.zeros(len(rows), f"S{width}")
        spread = _spread(ids)
        step = max(_BLOCK_BYTES // width, 1)
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            is_there = np.arange(width) < lengths[part, None]
            places = starts[part, None] + np.arange(width)
            spread[part][is_there] = self.data[places[is_there]]
        return ids

    def blocks(self, width: int = 1) -> Iterator[np.ndarray]:
        """All ids in their order, some at a time, as of `take`."""
        for start in range(0, len(self), BLOCK):
            yield self.take(np.arange(start, min(start + BLOCK, len(self))), width)

    @property
    def width(self) -> int:
        """Bytes of the longest id, at least 1."""
        width = 1
        for start in range(0, len(self), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(self)))
            width = max(width, int((self.ends[rows] - self._starts(rows)).max()))
        return width

    def _starts(self, rows: np.ndarray) -> np.ndarray:
        if self._places:
            return rows.astype(np.int64) * self._places
        return np.where(rows > 0, self.ends[np.maximum(rows, 1) - 1], 0)


def hashes(ids: np.ndarray) -> np.ndarray:
    """A hash of each id, uint64 `(n,)`, that does not depend on the width of the array.

    Its words of 8 bytes, each times an odd number of its place, are mixed and added, and the sum is
    mixed; a word of zeros adds nothing.
    """
    spread = _spread(ids)
    padded = np.zeros((len(ids), -(-spread.shape[1] // 8) * 8), np.uint8)
    padded[:, : spread.shape[1]] = spread
    words = padded.view("<u8")
    odd = 2 * np.arange(words.shape[1], dtype=np.uint64) + np.uint64(1)
    return _mixed(_mixed(words * odd).sum(axis=1, dtype=np.uint64))


def _mixed(words: np.ndarray) -> np.ndarray:
    """The last step of MurmurHash3, by Austin Appleby: bijective, 0 stays 0."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        words = (words ^ (words >> np.uint64(33))) * np.uint64(factor)
    mixed: np.ndarray = words ^ (words >> np.uint64(33))
    return mixed


def _spread(ids: np.ndarray) -> np.ndarray:
    """The bytes of ids `(n,)`, uint8 `(n, width)`: a view where they are contiguous."""
    return np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), ids.dtype.itemsize)
