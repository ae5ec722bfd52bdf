"""Scores of test movies: by the content of a user's history, and without content."""

from functools import partial

import numpy as np
import pandas as pd

from yt8m_models.movielens.config import ABOVE_MEAN, IMPUTED_SVDS, MovieLensConfig, min_stars
from yt8m_models.movielens.splits import Split
from yt8m_models.program.extras import require
from yt8m_models.recommendation.history import kept_ratings, max_scores, mean_vectors

_PRIOR_RATINGS = 5  # of the mean over all movies, in the mean of each


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
        aggregation: of the similarities: `"mean"`, `"max"`, `"top_K_mean"` (the mean of the K
            largest, of all where a history has fewer) or `"variance"`.

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
    parts = zip(np.split(watched, offsets[1:-1]), np.split(candidates, tests[1:-1]), strict=True)
    aggregate = partial(_aggregated, aggregation)
    return np.concatenate([aggregate(history, tested) for history, tested in parts])


def _aggregated(aggregation: str, history: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    if aggregation == "max":
        return max_scores(history, candidates)
    similarities = candidates @ history.T
    if aggregation == "variance":
        return similarities.var(axis=1)
    count = min(int(aggregation.split("_")[1]), len(history))
    return np.partition(similarities, -count, axis=1)[:, -count:].mean(axis=1)


def baseline_scores(name: str, split: Split, config: MovieLensConfig, seed: int) -> np.ndarray:
    """The score of each test rating's movie.

    - `"svd"`, `"nmf"`: the rating that scikit-surprise's biased matrix factorisation or
      non-negative matrix factorisation predicts; both are fitted to the ratings that are there
      alone. A movie without training ratings has the score that the library falls back to.
    - `"svd_item_mean"`, `"svd_global_mean"`: the matrix of users and movies, with the mean of a
      movie's training ratings (of all, for a movie without any) or of all training ratings where
      there is no rating, reduced to rank `--imputed_svd_rank`.
    - `"item_mean"`: the mean of a movie's training ratings and of five more, each the mean of all.
    - `"popularity"`: the number of a movie's training ratings.
    - `"constant"`: 0. Measures are means over all orders of equal scores: it is a random order.

    Returns:
        float64, as `split.test`.

    Raises:
        ValueError: scikit-surprise is needed and not installed.
    """
    movies, stars = split.ratings.movies, split.ratings.stars[split.train]
    if name in ("svd", "nmf"):
        return _matrix_factorization(name, split, config, seed)
    if name == "constant":
        return np.zeros(len(split.test))
    num_movies = len(split.ratings.movie_ids)
    if name in IMPUTED_SVDS:
        return _imputed_svd(name, split, config.imputed_svd_rank, seed)
    counts = np.bincount(movies[split.train], minlength=num_movies)
    if name == "popularity":
        return counts[movies[split.test]].astype(np.float64)
    sums = np.bincount(movies[split.train], weights=stars, minlength=num_movies)
    means = (sums + _PRIOR_RATINGS * stars.mean()) / (counts + _PRIOR_RATINGS)
    return means[movies[split.test]]


def _matrix_factorization(
    name: str, split: Split, config: MovieLensConfig, seed: int
) -> np.ndarray:
    surprise = require("surprise")
    movies, stars = split.ratings.movies, split.ratings.stars[split.train]
    frame = pd.DataFrame({"user": split.train_users, "movie": movies[split.train], "stars": stars})
    scale = surprise.Reader(rating_scale=(stars.min(), stars.max()))
    training = surprise.Dataset.load_from_df(frame, scale).build_full_trainset()
    if name == "svd":
        kind, factors, epochs = surprise.SVD, config.svd_factors, config.svd_epochs
    else:
        kind, factors, epochs = surprise.NMF, config.nmf_factors, config.nmf_epochs
    algorithm = kind(n_factors=factors, n_epochs=epochs, random_state=seed)
    algorithm.fit(training)
    pairs = zip(split.test_users.tolist(), movies[split.test].tolist(), strict=True)
    # Clipped predictions would be ties at the ends of the scale.
    return np.array([algorithm.predict(user, movie, clip=False).est for user, movie in pairs])


def _imputed_svd(name: str, split: Split, rank: int, seed: int) -> np.ndarray:
    """The filled matrix is never made: it is a sparse one, and one whose rows are all the same."""
    linalg, sparse = require("scipy.sparse.linalg"), require("scipy.sparse")
    movies, stars = split.ratings.movies, split.ratings.stars[split.train]
    shape = split.num_users, len(split.ratings.movie_ids)
    if rank >= min(shape):
        raise ValueError(
            f"--imputed_svd_rank must be below the numbers of users and movies, {shape[0]} and "
            f"{shape[1]}; received {rank}"
        )
    rated = movies[split.train]
    means = np.full(shape[1], stars.mean())
    if name == "svd_item_mean":
        counts = np.bincount(rated, minlength=shape[1])
        sums = np.bincount(rated, weights=stars, minlength=shape[1])
        np.divide(sums, counts, out=means, where=counts > 0)
    rest = sparse.csr_matrix((stars - means[rated], (split.train_users, rated)), shape=shape)
    matrix = linalg.LinearOperator(
        shape,
        matvec=lambda v: rest @ v + means @ v,
        rmatvec=lambda u: rest.T @ u.ravel() + means * u.sum(),
        dtype=np.float64,
    )
    first = np.random.default_rng(seed).random(min(shape))
    users, values, of_movies = linalg.svds(matrix, k=rank, v0=first)
    of_tests = of_movies.T[movies[split.test]]
    return np.einsum("nd,nd->n", (users * values)[split.test_users], of_tests)


def _offsets(users: np.ndarray, num_users: int) -> np.ndarray:
    """Where each user's ratings start, and the end of the last: `(num_users + 1,)`."""
    return np.concatenate([[0], np.cumsum(np.bincount(users, minlength=num_users))])
