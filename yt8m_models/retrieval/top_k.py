"""The k best of scores that come in blocks of rows."""

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN


class TopK:
    """The k best rows of each query, of scores that arrive block by block.

    A block whose scores lie below the worst that is kept costs one comparison a score, so that the
    whole is little beside the matrix products that give the scores. Equal scores are ranked by row.

    Args:
        num_queries: q.
        k: how many to keep of each query.

    Attributes:
        scores: float32 `(q, k)`, best first; -inf where fewer than k rows were seen.
        rows: int64 `(q, k)`; `UNKNOWN` there.
    """

    def __init__(self, num_queries: int, k: int) -> None:
        self.scores = np.full((num_queries, k), -np.inf, np.float32)
        self.rows = np.full((num_queries, k), UNKNOWN, np.int64)

    def add(self, scores: np.ndarray, rows: np.ndarray) -> None:
        """Takes the scores of further rows; those of -inf are never kept.

        Args:
            scores: float32 `(q, m)`.
            rows: `(m,)` or `(q, m)`, in a block of `(m,)` each greater than all rows before it.
        """
        k = self.scores.shape[1]
        worst = self.scores[:, -1:]
        better = scores > worst
        excess = scores.shape[1] - k
        if excess > 0 and np.isneginf(worst).any():
            better &= scores >= np.partition(scores, excess, axis=1)[:, excess, None]
        queries, columns = np.nonzero(better)
        if not len(queries):
            return
        new_rows = rows[columns] if rows.ndim == 1 else rows[queries, columns]
        self._merge(queries, scores[queries, columns], new_rows)

    def _merge(self, queries: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> None:
        num_queries, k = self.scores.shape
        all_queries = np.concatenate([np.repeat(np.arange(num_queries), k), queries])
        all_scores = np.concatenate([self.scores.ravel(), scores])
        all_rows = np.concatenate([self.rows.ravel(), rows])
        order = np.lexsort((all_rows, -all_scores, all_queries))
        counts = k + np.bincount(queries, minlength=num_queries)
        best = order[(np.cumsum(counts) - counts)[:, None] + np.arange(k)]
        self.scores, self.rows = all_scores[best], all_rows[best]
