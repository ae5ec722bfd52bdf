"""Scores of test movies by their similarity to the movies of a user's history."""

import numpy as np

from yt8m_models.experiments.movielens.config import ABOVE_MEAN, min_stars
from yt8m_models.experiments.movielens.splits import Split
from yt8m_models.recommendation.history import kept_ratings, max_scores, mean_vectors


def history_of(split: Split, history: str) -> tuple[np.ndarray, int]:
    """Which of the split's training ratings are the history of their user.

    A user of whom a rule leaves nothing keeps all training ratings.

    Returns:
        bool, as `split.train`, and the number of such users.
    """
    stars = split.ratings.stars[split.train]
    is_kept = kept_ratings(split.train_users, stars, min_stars(history), history == ABOVE_MEAN)
    has_none = np.bincount(split.train_users[is_kept], minlength=split.num_users) == 0
    return is_kept | has_none[split.train_users], int(has_none.sum())


def content_scores(
    split: Split, is_history: np.ndarray, vectors: np.ndarray, aggregation: str
) -> np.ndarray:
    """The score of each test rating's movie, CDML equations 5 and 6.

    Args:
        split: training and test ratings.
        is_history: bool, as `split.train`; of each user at least one.
        vectors: of all movies `(movies, d)`, of length one, so that products are cosines.
        aggregation: of the similarities, `"mean"` or `"max"`.

    Returns:
        float32, as `split.test`.
    """
    watched = vectors[split.ratings.movies[split.train[is_history]]]
    candidates = vectors[split.ratings.movies[split.test]]
    offsets = _offsets(split.train_users[is_history], split.num_users)
    if aggregation == "mean":
        means = mean_vectors(watched, offsets)
        return np.einsum("nd,nd->n", means[split.test_users], candidates)
    tests = _offsets(split.test_users, split.num_users)
    return np.concatenate(
        [
            max_scores(
                watched[offsets[user] : offsets[user + 1]],
                candidates[tests[user] : tests[user + 1]],
            )
            for user in range(split.num_users)
        ]
    )


def _offsets(users: np.ndarray, num_users: int) -> np.ndarray:
    """Where each user's ratings start, and the end of the last: `(num_users + 1,)`."""
    return np.concatenate([[0], np.cumsum(np.bincount(users, minlength=num_users))])
