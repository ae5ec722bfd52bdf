"""Video ids and the rows that they stand in."""

import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.id_lookup import UNKNOWN as UNKNOWN
from yt8m_models.data.id_lookup import IdLookup
from yt8m_models.data.packed_ids import BLOCK, MOST_BYTES, PackedIds
from yt8m_models.storage.artifact_dir import read_array

Ids = Sequence[bytes | str] | np.ndarray


class VideoIds(Sequence[bytes]):
    """The ids of a table's videos, by row, and the row of each id.

    What a directory has of them is memory-mapped: opening them takes neither time nor memory.

    Args:
        ids: the ids, as bytes or str, no two alike.
        lookup: of these ids, which are then not looked at; made of them unless given.

    Raises:
        ValueError: an id is empty, too long or there twice; the message names it.

    Example:
        >>> ids = VideoIds([b"ab12", b"cd34"])
        >>> ids[1], ids.rows([b"cd34", b"none"])
        (b'cd34', array([ 1, -1]))
    """

    def __init__(
        self, ids: Iterable[bytes | str] | np.ndarray | PackedIds, lookup: IdLookup | None = None
    ) -> None:
        self._packed = ids if isinstance(ids, PackedIds) else PackedIds.pack([as_bytes(ids)])
        if lookup is None:
            is_empty = np.diff(self._packed.ends, prepend=0) == 0
            if is_empty.any():
                raise ValueError(f"video ids must not be empty; that of row {is_empty.argmax()} is")
            lookup = IdLookup.of(self._packed)
        self._lookup = lookup

    @classmethod
    def load(cls, directory: str | os.PathLike[str], count: int, name: str = "ids") -> "VideoIds":
        """The ids in the arrays `NAME…` of a directory, which are `count`.

        Raises:
            ValueError: a file cannot be read, or holds other than such ids; it is named.
        """
        path = Path(directory, f"{name}.npy")
        if not Path(directory, f"{name}_ends.npy").exists():  # as earlier versions wrote them
            ids = read_array(directory, name, np.bytes_, (count,))
            try:
                return cls(ids)
            except ValueError as error:
                raise ValueError(f"{path} is damaged: {error}") from error
        ends = read_array(directory, f"{name}_ends", np.int64, (count,))
        data = read_array(directory, name, (np.uint8, np.bytes_))
        places = data.itemsize if data.dtype.kind == "S" else 0
        try:
            packed = PackedIds(data.view(np.uint8), ends, places, str(path))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        found = read_array(directory, f"{name}_hashes", np.uint64, (count,))
        rows = read_array(directory, f"{name}_rows", np.integer, (count,))
        return cls(packed, IdLookup(found, rows))

    def arrays(self, name: str = "ids") -> dict[str, np.ndarray]:
        """What `load` reads, by the names of the files.

        NAME          the ids, bytes (n,); or the bytes of all, one after the other, uint8, where a
                      long one would make that twice as large
        NAME_ends     where each ends in the bytes of NAME, int64 (n,)
        NAME_hashes   the hashes of all ids, sorted, uint64 (n,)
        NAME_rows     the row of each hash, int32 or int64 (n,)
        """
        data, ends, width = self._packed.data, self._packed.ends, self._packed.width
        if len(self) * width == len(data):
            data = data.view(f"S{width}")
        elif len(self) * width <= 2 * len(data):
            data = np.concatenate([np.zeros(0, f"S{width}"), *self._packed.blocks(width)])
            ends = np.arange(len(self)) * width + np.char.str_len(data)
        arrays = (data, ends, self._lookup.hashes, self._lookup.rows)
        return dict(zip(self.array_names(name), arrays, strict=True))

    @staticmethod
    def array_names(name: str = "ids") -> list[str]:
        """The names of what `arrays` gives."""
        return [name, f"{name}_ends", f"{name}_hashes", f"{name}_rows"]

    def to_array(self) -> np.ndarray:
        """All ids, bytes `(n,)` of the width of the longest."""
        return np.concatenate([np.zeros(0, "S1"), *self._packed.blocks()])

    def blocks(self) -> Iterator[np.ndarray]:
        """All ids in their order, some at a time: bytes `(up to 65,536,)` of one width."""
        return self._packed.blocks(self.width)

    @property
    def width(self) -> int:
        """Bytes of the longest id, at least 1."""
        return self._packed.width

    def rows(self, ids: "Iterable[bytes | str] | np.ndarray | VideoIds") -> np.ndarray:
        """The row of each id, int64 `(len(ids),)`; `UNKNOWN` for those that are not here.

        Raises:
            ValueError: an id is too long.
        """
        if isinstance(ids, VideoIds):
            blocks = ids._packed.blocks()
        else:
            wanted = as_bytes(ids)
            blocks = (wanted[start : start + BLOCK] for start in range(0, len(wanted), BLOCK))
        found = [self._lookup.find(block, self._packed) for block in blocks]
        return np.concatenate([np.zeros(0, np.int64), *found])

    def matched_rows(self, ids: "np.ndarray | VideoIds", whose: str, here: str) -> np.ndarray:
        """As of `rows`, where at least one of the ids must be here.

        Args:
            ids: bytes `(n,)`, or those of another table.
            whose: the input that these are of, such as `the graph in DIR`.
            here: the input that this table's ids are of.

        Raises:
            ValueError: none is here; the message has an example of both.
        """
        rows = self.rows(ids)
        if (rows == UNKNOWN).all():
            raise ValueError(nothing_in_common(whose, ids, here, self))
        return rows

    def checked_rows(self, rows: Any) -> np.ndarray:
        """Rows of these ids, int64.

        Raises:
            ValueError: one is not a row of these, such as `UNKNOWN`.
        """
        rows = np.asarray(rows)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            wrong = rows[(rows < 0) | (rows >= len(self))].flat[0]
            raise ValueError(f"rows must be 0 to {len(self) - 1}; received {wrong}")
        return np.asarray(rows, np.int64)

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[bytes]:
        return (video_id for block in self._packed.blocks() for video_id in block.tolist())

    def __getitem__(self, row: Any) -> Any:
        """The id of a row, bytes, or those of several, of the width of the longest of them.

        Raises:
            IndexError: there is no such row; that of `UNKNOWN` is none among several.
        """
        if isinstance(row, slice):
            return self._packed.take(np.arange(*row.indices(len(self))))
        rows = np.asarray(row)
        if not rows.ndim:
            number = operator.index(row)
            return self[[number + len(self) if number < 0 else number]][0]
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"there are {len(self)} ids; received the rows {rows}")
        return self._packed.take(rows.astype(np.int64))


def as_bytes(ids: Iterable[bytes | str] | np.ndarray, first_row: int = 0) -> np.ndarray:
    """Ids as an array of bytes `(n,)`; text is encoded as UTF-8.

    Args:
        ids: the ids.
        first_row: what errors call the row of the first.

    Raises:
        ValueError: an id has more than `MOST_BYTES`; the message names its row.
    """
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "S":
        if ids.dtype.itemsize <= MOST_BYTES:
            return ids
        longest = int(np.char.str_len(ids).max(initial=1))
        if longest <= MOST_BYTES:
            return ids.astype(f"S{longest}")
    encoded = [value.encode() if isinstance(value, str) else value for value in ids]
    for row, value in enumerate(encoded, first_row):
        if len(value) > MOST_BYTES:
            raise ValueError(f"row {row}: {too_long(value)}")
    return np.array(encoded, dtype="S") if encoded else np.zeros(0, "S1")


def too_long(video_id: bytes) -> str:
    """What is wrong with an id of more than `MOST_BYTES`."""
    return (
        f"an id must have at most {MOST_BYTES} bytes; it has {len(video_id):,}, and begins with "
        f"{_text(video_id[:32])}"
    )


def nothing_in_common(one: str, of_one: Ids, other: str, of_other: Ids) -> str:
    """Says that two inputs have none of their ids in common, with an example of each.

    Args:
        one, other: the inputs, such as `the graph in DIR`.
        of_one, of_other: ids of each, bytes or str; the first is the example.
    """
    examples = [_text(ids[0]) if len(ids) else "none" for ids in (of_one, of_other)]
    return f"{one} and {other} have no id in common: ids such as {examples[0]} and {examples[1]}"


def _text(video_id: bytes | str) -> str:
    return repr(video_id.decode(errors="replace") if isinstance(video_id, bytes) else video_id)
