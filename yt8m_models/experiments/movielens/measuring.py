"""NDCG and average precision of each user's ranked test movies."""

import numpy as np

from eval.retrieval import average_precision, ndcg
from yt8m_models.experiments.movielens.splits import Split

_BLOCK_ELEMENTS = 1 << 22


def measure(
    split: Split, scores: np.ndarray, top_k: int, relevant_stars: float
) -> tuple[np.ndarray, np.ndarray]:
    """NDCG@top_k and average precision of each user.

    Only the user's own test movies are ranked: the true rating of each is known. NDCG has the gains
    `2^stars - 1`; for average precision a movie with `relevant_stars` is relevant.

    Args:
        split: training and test ratings.
        scores: of the test ratings, higher is better.
        top_k: ranks that NDCG looks at.
        relevant_stars: see above.

    Returns:
        Two arrays float64 `(num_users,)`. Average precision is NaN for users without a relevant
        test movie.
    """
    stars = split.ratings.stars[split.test]
    counts = np.bincount(split.test_users, minlength=split.num_users)
    starts = np.cumsum(counts) - counts
    values = np.empty((2, split.num_users))
    by_count = np.argsort(counts, kind="stable")[::-1]  # tables of users with about as many
    done = 0
    while done < split.num_users:
        width = counts[by_count[done]]
        users = by_count[done : done + max(_BLOCK_ELEMENTS // width, 1)]
        valid = np.arange(width) < counts[users, None]
        rows = np.where(valid, starts[users, None] + np.arange(width), 0)
        table = stars[rows], scores[rows]
        values[0, users] = ndcg(*table, top_k, valid=valid)
        values[1, users] = average_precision(table[0] >= relevant_stars, table[1], valid=valid)
        done += len(users)
    return values[0], values[1]
