"""Video ids and the rows that they stand in."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

UNKNOWN = -1


class VideoIds(Sequence[bytes]):
    """The ids of a table's videos, by row, and the row of each id.

    Args:
        ids: the ids, as bytes or str, no two alike.

    Attributes:
        ids: `(n,)`, bytes of one width.

    Raises:
        ValueError: an id is empty or there twice; the message names it.
    """

    def __init__(self, ids: Iterable[bytes | str] | np.ndarray) -> None:
        self.ids = as_bytes(ids)
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]
        twice = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        if len(twice):
            raise ValueError(f"video id {self._sorted[twice[0]].decode()!r} is there twice")
        if len(self.ids) and not self._sorted[0]:
            raise ValueError(f"video ids must not be empty; that of row {self._order[0]} is")

    def rows(self, ids: Iterable[bytes | str] | np.ndarray) -> np.ndarray:
        """The row of each id, int64 `(len(ids),)`; `UNKNOWN` for those that are not here."""
        wanted = as_bytes(ids)
        if not len(self.ids):
            return np.full(len(wanted), UNKNOWN)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self.ids) - 1)
        return np.where(self._sorted[places] == wanted, self._order[places], UNKNOWN)

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


def as_bytes(ids: Iterable[bytes | str] | np.ndarray) -> np.ndarray:
    """Ids as an array of bytes `(n,)`; text is encoded as UTF-8."""
    if isinstance(ids, np.ndarray) and ids.dtype.kind == "S":
        return ids
    encoded = [value.encode() if isinstance(value, str) else value for value in ids]
    return np.array(encoded, dtype="S") if encoded else np.zeros(0, "S1")
