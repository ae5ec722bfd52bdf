"""A uniform sample of a stream of rows."""

import numpy as np


class Reservoir:
    """Keeps `size` rows of a stream, without replacement, each row with the same chance.

    Every row draws a number, and those with the smallest are kept.

    Args:
        size: rows to keep, at most.
        rng: the source of chance.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self._rng = rng
        self._keys = np.zeros(0)
        self._rows: np.ndarray | None = None

    def add(self, rows: np.ndarray) -> None:
        """Shows it the next rows `(n, D)`."""
        keys = self._rng.random(len(rows))
        if len(self._keys) == self.size:
            better = keys < self._keys.max()
            keys, rows = keys[better], rows[better]
        keys = np.concatenate([self._keys, keys])
        rows = rows if self._rows is None else np.concatenate([self._rows, rows])
        if len(keys) > self.size:
            kept = np.sort(np.argpartition(keys, self.size)[: self.size])
            keys, rows = keys[kept], rows[kept]
        self._keys, self._rows = keys, rows

    def rows(self) -> np.ndarray:
        """The rows that are kept, in the stream's order.

        Raises:
            ValueError: it was shown none.
        """
        if self._rows is None:
            raise ValueError("the stream must have rows; received none")
        return self._rows
