"""The best videos of an index for histories."""

from collections.abc import Sequence

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.recommendation.history import mean_vectors
from yt8m_models.retrieval.index import Index


class HistorySearch:
    """Answers from an index, with a score by mean or max aggregation (see `history`).

    The mean takes one search for each user, with the mean of the history's embeddings. The max
    takes one search for each video of the history: a video that is among the k best by the max is
    among the k best for the watched video that it is most similar to, so merging those answers
    gives exactly the k best, in memory that does not grow with the index.

    Args:
        index: the videos to recommend.
        aggregation: `"mean"` or `"max"`.

    Raises:
        ValueError: `aggregation` is neither.
    """

    def __init__(self, index: Index, aggregation: str = "mean") -> None:
        if aggregation not in ("mean", "max"):
            raise ValueError(f"aggregation must be mean or max; received {aggregation!r}")
        self.index = index
        self.aggregation = aggregation

    def search(
        self, vectors: np.ndarray, offsets: np.ndarray, watched: Sequence[np.ndarray], k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best videos for each user.

        Args:
            vectors: embeddings of the videos of all histories, one after the other `(h, d)`.
            offsets: where each history starts, and the end of the last: `(users + 1,)`.
            watched: for each user, the rows of the index to leave out.
            k: how many.

        Returns:
            Scores float32 `(users, k)`, best first, equal ones by row; and rows of the index, int64
            `(users, k)`. -inf and `UNKNOWN` where there are fewer than k.

        Raises:
            ValueError: a history is empty, or the shapes do not fit.
        """
        if len(watched) != len(offsets) - 1:
            raise ValueError(
                f"watched must have an entry for each of {len(offsets) - 1} users; "
                f"received {len(watched)}"
            )
        means = mean_vectors(vectors, offsets)
        if self.aggregation == "mean":
            return self._products(means, watched, k)
        users = np.repeat(np.arange(len(watched)), np.diff(offsets))
        scores, rows = self._products(vectors, [watched[user] for user in users.tolist()], k)
        found = rows != UNKNOWN
        entry_users = np.broadcast_to(users[:, None], rows.shape)[found]
        return _merge(entry_users, scores[found], rows[found], len(watched), k)

    def _products(
        self, queries: np.ndarray, watched: Sequence[np.ndarray], k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """As of `Index.search`, with inner products and not cosines."""
        cosines, rows = self.index.search(queries, k, exclude=watched)
        lengths = np.linalg.norm(queries, axis=1, keepdims=True)
        return np.where(rows == UNKNOWN, 1, lengths).astype(np.float32) * cosines, rows


def _merge(
    users: np.ndarray, scores: np.ndarray, rows: np.ndarray, num_users: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k best different rows of each user, of entries `(n,)`."""
    order = np.lexsort((rows, -scores, users))
    pairs = users * (rows.max(initial=0) + 1) + rows
    _, first = np.unique(pairs[order], return_index=True)
    order = order[np.sort(first)]
    users, scores, rows = users[order], scores[order], rows[order]
    ranks = np.arange(len(users)) - np.searchsorted(users, users)
    kept = ranks < k
    best_scores = np.full((num_users, k), -np.inf, np.float32)
    best_rows = np.full((num_users, k), UNKNOWN, np.int64)
    best_scores[users[kept], ranks[kept]] = scores[kept]
    best_rows[users[kept], ranks[kept]] = rows[kept]
    return best_scores, best_rows
