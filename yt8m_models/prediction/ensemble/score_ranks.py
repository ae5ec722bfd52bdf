"""The ranks of the scores of one file among all of them."""

import numpy as np

_DROPPED_BITS = 8
_NUM_BINS = 1 << (32 - _DROPPED_BITS)


class ScoreRanks:
    """Turns scores into ranks from 0 to 1: the share of the file's pairs that score lower.

    Of N scores, one with L lower and E equal ones (itself included) has the rank
    (L + (E + 1) / 2) / N: the mean rank of its ties, over N. Scores that differ by less than about
    1 in 30,000 may count as equal: they are counted by the first 24 bits of their float32, so that
    memory does not grow with N. All are added first, then ranked.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_NUM_BINS, np.int64)

    def add(self, scores: np.ndarray) -> None:
        """Counts finite scores `(n,)`."""
        bins, counts = np.unique(_bins(scores), return_counts=True)
        self._counts[bins] += counts

    def finish(self) -> None:
        """All scores are added; keeps what `ranks` needs, some bytes for each different score."""
        self._used = np.flatnonzero(self._counts)
        counts = self._counts[self._used]
        ends = np.cumsum(counts)
        self._ranks = (ends - (counts - 1) / 2) / max(int(counts.sum()), 1)
        del self._counts

    def ranks(self, scores: np.ndarray) -> np.ndarray:
        """The ranks of scores that were added, float64 `(n,)`."""
        return self._ranks[np.searchsorted(self._used, _bins(scores))]


def _bins(scores: np.ndarray) -> np.ndarray:
    """The leading bits of the float32 of finite scores, as integers in their order.

    The bits of a float are in its order but for the sign: negative ones are flipped, and the others
    lie above them.
    """
    with np.errstate(over="ignore"):
        bits = (np.asarray(scores, np.float32) + np.float32(0)).view(np.uint32)  # -0 becomes 0
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)) >> _DROPPED_BITS
