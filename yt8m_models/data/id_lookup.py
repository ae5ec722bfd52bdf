"""Finding ids by their hashes."""

import numpy as np

from yt8m_models.data.packed_ids import BLOCK, PackedIds, hashes

UNKNOWN = -1


class IdLookup:
    """The sorted hashes of ids, in memory or memory-mapped, and the row of each.

    Args:
        hashes: uint64 `(n,)`, as of `packed_ids.hashes`, ascending.
        rows: the row of each, int32 or int64 `(n,)`.
    """

    def __init__(self, hashes: np.ndarray, rows: np.ndarray) -> None:
        self.hashes = hashes
        self.rows = rows

    @classmethod
    def of(cls, ids: PackedIds) -> "IdLookup":
        """The lookup of ids.

        Raises:
            ValueError: an id is there twice; it is named.
        """
        found = np.empty(len(ids), np.uint64)
        for number, block in enumerate(ids.blocks()):
            found[number * BLOCK : number * BLOCK + len(block)] = hashes(block)
        rows = np.argsort(found, kind="stable")
        if len(rows) <= np.iinfo(np.int32).max:
            rows = rows.astype(np.int32)
        found.sort()  # in place: `found[rows]` would be a copy of 8 bytes an id
        places = np.flatnonzero(found[1:] == found[:-1])
        first, second = ids.take(rows[places]), ids.take(rows[places + 1])
        for twice in first[first == second][:1]:
            raise ValueError(f"video id {twice.decode(errors='replace')!r} is there twice")
        return cls(found, rows)

    def find(self, wanted: np.ndarray, ids: PackedIds) -> np.ndarray:
        """The row of each id, int64 `(n,)`; `UNKNOWN` for those that are not there.

        Args:
            wanted: bytes `(n,)`.
            ids: those that this is of.

        Raises:
            ValueError: the files that this is of are damaged; that of the ids is named.
        """
        found = np.full(len(wanted), UNKNOWN, np.int64)
        of_wanted = hashes(wanted)
        places = np.searchsorted(self.hashes, of_wanted)
        left = np.arange(len(wanted))
        while True:
            left = left[places[left] < len(self.hashes)]
            left = left[self.hashes[places[left]] == of_wanted[left]]
            if not len(left):
                return found
            rows = self.rows[places[left]]
            if rows.min() < 0 or rows.max() >= len(ids):
                raise ValueError(
                    f"{ids.file} is damaged: a row of its hashes is none of its {len(ids)} ids"
                )
            is_same = ids.take(rows) == wanted[left]
            found[left[is_same]] = rows[is_same]
            left = left[~is_same]
            places[left] += 1
