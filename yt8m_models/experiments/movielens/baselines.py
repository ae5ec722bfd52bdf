"""Scores of test movies by the training ratings of all users, without content."""

import numpy as np
import pandas as pd

from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.splits import Split
from yt8m_models.program.extras import require

_PRIOR_RATINGS = 5  # of the mean over all movies, in the mean of each


def baseline_scores(name: str, split: Split, config: MovieLensConfig, seed: int) -> np.ndarray:
    """The score of each test rating's movie.

    - `"svd"`, `"nmf"`: the rating that scikit-surprise's biased matrix factorisation or
      non-negative matrix factorisation predicts; both are fitted to the ratings that are there
      alone. A movie without training ratings has the score that the library falls back to.
    - `"item_mean"`: the mean of a movie's training ratings and of five more, each the mean of all.
    - `"popularity"`: the number of a movie's training ratings.
    - `"constant"`: 0. Equal scores share their ranks, so this is what a random order gives.

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
    ratings = split.ratings
    stars = ratings.stars[split.train]
    frame = pd.DataFrame(
        {"user": split.train_users, "movie": ratings.movies[split.train], "stars": stars}
    )
    scale = surprise.Reader(rating_scale=(stars.min(), stars.max()))
    training = surprise.Dataset.load_from_df(frame, scale).build_full_trainset()
    if name == "svd":
        algorithm = surprise.SVD(
            n_factors=config.svd_factors, n_epochs=config.svd_epochs, random_state=seed
        )
    else:
        algorithm = surprise.NMF(
            n_factors=config.nmf_factors, n_epochs=config.nmf_epochs, random_state=seed
        )
    algorithm.fit(training)
    pairs = zip(split.test_users.tolist(), ratings.movies[split.test].tolist(), strict=True)
    # Clipped predictions would be ties at the ends of the scale.
    return np.array([algorithm.predict(user, movie, clip=False).est for user, movie in pairs])
