"""Rows of different lengths, one after the other in one array.

`offsets`, int64 `(n + 1,)`, says where: row r is `[offsets[r], offsets[r + 1])`.
"""

from collections.abc import Callable, Iterator

import numpy as np


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """Where rows of these lengths begin and end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def places_of(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All places of some rows: the index in `rows` that each belongs to, and the place itself."""
    starts = offsets[rows]
    lengths = offsets[rows + 1] - starts
    owners = np.repeat(np.arange(len(rows)), lengths)
    skipped = np.cumsum(lengths) - lengths
    return owners, np.arange(len(owners)) + np.repeat(starts - skipped, lengths)


def runs(offsets: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Cuts rows into runs `[start, stop)` that together have at most so much, or one row alone."""
    start, num_rows = 0, len(offsets) - 1
    while start < num_rows:
        stop = int(np.searchsorted(offsets, offsets[start] + most, side="right")) - 1
        stop = min(max(stop, start + 1), num_rows)
        yield start, stop
        start = stop


def bisect(
    low: np.ndarray, high: np.ndarray, is_before: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """The first place of each interval `[low, high)` that is not before what is sought.

    Args:
        low, high: int64 `(n,)`.
        is_before: tells of one place in each interval, int64 `(n,)`, whether what is sought comes
            later; once it does not, it does not for the places after it either. It is only asked
            for places that exist: of an interval that is done, for the last place in question.

    Returns:
        int64 `(n,)`; `high` where all places are before.
    """
    low, high = low.copy(), high.copy()
    last = np.maximum(high - 1, 0)
    while (is_open := low < high).any():
        middle = (low + high) // 2
        before = is_before(np.minimum(middle, last))
        low = np.where(is_open & before, middle + 1, low)
        high = np.where(is_open & ~before, middle, high)
    return low
