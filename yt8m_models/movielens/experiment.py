"""The experiments from the flags to the files."""

import hashlib
import logging
import time
from functools import partial

import numpy as np

from eval.retrieval import average_precision, mean_over_queries, ndcg
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import run_experiment
from yt8m_models.movielens.config import CDML, MovieLensConfig
from yt8m_models.movielens.features import Features, load_features
from yt8m_models.movielens.ratings import Ratings, read_ratings
from yt8m_models.movielens.report import MovieLensReport
from yt8m_models.movielens.rows import Method, methods, tables
from yt8m_models.movielens.runs import Quality, Result, Run, plan
from yt8m_models.movielens.scores import baseline_scores, content_scores, history_of
from yt8m_models.movielens.splits import Split
from yt8m_models.program.extras import require
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems

_LOGGER = logging.getLogger(__name__)
_BLOCK_ELEMENTS = 1 << 22


def run_movielens(config: MovieLensConfig) -> int | None:
    """Scores and measures what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, a file cannot be read, no movie has ratings and features, no
            user has enough ratings, or a library is needed and not installed.
    """
    filesystems.require(config.output_dir)
    if {"svd", "nmf"} & set(config.baselines):
        require("surprise")
    ratings, features = _of_known_movies(read_ratings(config.ratings), load_features(config))
    all_methods = methods(config, [each.name for each in features])
    found = tables(config, all_methods, [config.history])
    # The file of a split has what an earlier --history of Table 5 found, too.
    rows = rows_of(tables(config, all_methods, config.histories))
    planned = plan(config, rows, rows_of(found), ratings, features)
    return run_experiment(
        "movielens",
        MovieLensReport(config, found, planned, rows),
        partial(score_and_measure, config, ratings, features),
        lambda result: {"seconds": sum(each.seconds for each in result.quality.values())},
    )


def _of_known_movies(ratings: Ratings, features: list[Features]) -> tuple[Ratings, list[Features]]:
    """Ratings of the movies that all features have: every method ranks the same movies."""
    ids, names = features[0].ids.to_array(), features[0].name
    for other in features[1:]:
        rows = other.ids.matched_rows(ids, f"--features={names}", f"--features={other.name}")
        ids, names = ids[rows >= 0], f"{names},{other.name}"
    movies = VideoIds(ids)
    movies.matched_rows(ratings.movie_ids, "the ratings", f"--features={names}")
    known = ratings.of_movies(movies)
    if len(known) < len(ratings):
        num_movies = int((movies.rows(ratings.movie_ids) < 0).sum())
        _LOGGER.warning(
            "%d of %d ratings are left out: their movies, %d of %d, have no features",
            *(len(ratings) - len(known), len(ratings), num_movies, len(ratings.movie_ids)),
        )
    return known, [each.of_movies(movies) for each in features]


def score_and_measure(
    config: MovieLensConfig,
    ratings: Ratings,
    features: list[Features],
    run: Run,
    interruption: Interruption,
) -> Result | None:
    """Scores and measures the methods that the run lacks, and writes the result after each.

    Returns:
        The result; `None` where a signal ended the run.

    Raises:
        ValueError: no user has enough ratings, or as of `cdml_vectors`.
    """
    earlier = run.result()
    quality = {} if earlier is None else dict(earlier.quality)
    missing = {key: method for key, method in run.methods.items() if key not in quality}
    split = run.split(ratings, config)
    vectors = {each.name: each.vectors for each in features}
    if config.cdml_steps and any(method.name == CDML for method in missing.values()):
        if (trained := _cdml(run, split, config, features[0], interruption)) is None:
            return None
        vectors[CDML] = trained
    result = Result(run.settings, run.seed, quality)
    for key, method in missing.items():
        if interruption.signal is not None:
            return None
        start = time.monotonic()
        scores, num_without = _score(method, split, vectors, config, run.seed)
        stars = (config.relevant_stars, 3, 4, 5)
        ndcgs, precisions, *by_stars = measure(split, scores, config.top_k, *stars)
        quality[key] = Quality(
            split.num_users,
            num_without,
            int(np.isnan(precisions).sum()),
            mean_over_queries(ndcgs),
            mean_over_queries(precisions),
            time.monotonic() - start,
            *map(mean_over_queries, by_stars),
        )
        result.write(run.path)
    return result


def _score(
    method: Method, split: Split, vectors: dict[str, np.ndarray], config: MovieLensConfig, seed: int
) -> tuple[np.ndarray, int]:
    if not method.aggregation:
        return baseline_scores(method.name, split, config, seed), 0
    is_history, num_without = history_of(split, method.history)
    scores = content_scores(split, is_history, vectors[method.name], method.aggregation)
    return scores, num_without


def _cdml(
    run: Run, split: Split, config: MovieLensConfig, features: Features, interruption: Interruption
) -> np.ndarray | None:
    """Trains what CDML is on this split; beside the results, named as these and the settings."""
    from yt8m_models.movielens.co_likes import cdml_vectors

    settings = Method(CDML).key(config).encode()
    directory = f"{run.directory}-{hashlib.sha256(settings).hexdigest()[:10]}"
    return cdml_vectors(split, features, config, directory, run.seed, interruption)


def measure(
    split: Split, scores: np.ndarray, top_k: int, *relevant_stars: float
) -> tuple[np.ndarray, ...]:
    """NDCG@top_k and average precision of each user.

    Only the user's own test movies are ranked: the true rating of each is known. NDCG has the gains
    `2^stars - 1`; for average precision a movie with `relevant_stars` is relevant, and there is one
    for each of these.

    Args:
        split: training and test ratings.
        scores: of the test ratings, higher is better.
        top_k: ranks that NDCG looks at.
        relevant_stars: see above.

    Returns:
        Arrays float64 `(num_users,)`. Average precision is NaN for users without a relevant
        test movie.
    """
    stars = split.ratings.stars[split.test]
    counts = np.bincount(split.test_users, minlength=split.num_users)
    starts = np.cumsum(counts) - counts
    values = np.empty((1 + len(relevant_stars), split.num_users))
    by_count = np.argsort(counts, kind="stable")[::-1]  # tables of users with about as many
    done = 0
    while done < split.num_users:
        width = counts[by_count[done]]
        users = by_count[done : done + max(_BLOCK_ELEMENTS // width, 1)]
        valid = np.arange(width) < counts[users, None]
        rows = np.where(valid, starts[users, None] + np.arange(width), 0)
        table = stars[rows], scores[rows]
        values[0, users] = ndcg(*table, top_k, valid=valid)
        for number, stars_needed in enumerate(relevant_stars, 1):
            is_relevant = table[0] >= stars_needed
            values[number, users] = average_precision(is_relevant, table[1], valid=valid)
        done += len(users)
    return tuple(values)
