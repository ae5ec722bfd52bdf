"""Video ids and the rows that they stand in."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from yt8m_models.storage.artifact_dir import read_array

Ids = Sequence[bytes | str] | np.ndarray

UNKNOWN = -1
MOST_BYTES = 512  # of an id: arrays of ids take for each as much as for the longest


class VideoIds(Sequence[bytes]):
    """The ids of a table's videos, by row, and the row of each id.

    Args:
        ids: the ids, as bytes or str, no two alike.

    Attributes:
        ids: `(n,)`, bytes of one width.

    Raises:
        ValueError: an id is empty, too long or there twice; the message names it.
    """

    def __init__(self, ids: Iterable[bytes | str] | np.ndarray) -> None:
        self.ids = as_bytes(ids)
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]
        twice = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if len(twice):
            raise ValueError(f"video id {_text(self._sorted[twice[0]])} is there twice")
        if len(self.ids) and not self._sorted[0]:
            raise ValueError(f"video ids must not be empty; that of row {self._order[0]} is")

    @classmethod
    def load(cls, directory: str | os.PathLike[str], count: int, name: str = "ids") -> "VideoIds":
        """The ids in `NAME.npy` of a directory, which are `count`.

        Raises:
            ValueError: the file cannot be read, or holds other than such ids; it is named.
        """
        ids = read_array(directory, name, np.bytes_, (count,))
        try:
            return cls(ids)
        except ValueError as error:
            raise ValueError(f"{os.path.join(directory, name)}.npy is damaged: {error}") from error

    def rows(self, ids: Iterable[bytes | str] | np.ndarray) -> np.ndarray:
        """The row of each id, int64 `(len(ids),)`; `UNKNOWN` for those that are not here.

        Raises:
            ValueError: an id is too long.
        """
        wanted = as_bytes(ids)
        if not len(self.ids):
            return np.full(len(wanted), UNKNOWN)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self.ids) - 1)
        return np.where(self._sorted[places] == wanted, self._order[places], UNKNOWN)

    def matched_rows(self, ids: np.ndarray, whose: str, here: str) -> np.ndarray:
        """As of `rows`, where at least one of the ids must be here.

        Args:
            ids: bytes `(n,)`.
            whose: the input that these are of, such as `the graph in DIR`.
            here: the input that this table's ids are of.

        Raises:
            ValueError: none is here; the message has an example of both.
        """
        rows = self.rows(ids)
        if (rows == UNKNOWN).all():
            raise ValueError(nothing_in_common(whose, ids, here, self.ids))
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
        return len(self.ids)

    def __getitem__(self, row: Any) -> Any:
        """The id of a row, bytes, or those of several."""
        return self.ids[row]


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
