"""The experiments from the flags to the files."""

import hashlib
import logging
import time

import numpy as np

from eval.retrieval import average_precision, mean_over_queries, ndcg
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.experiments.movielens.config import CDML, MovieLensConfig
from yt8m_models.experiments.movielens.features import Features, load_features
from yt8m_models.experiments.movielens.ratings import Ratings, read_ratings
from yt8m_models.experiments.movielens.report import MovieLensReport
from yt8m_models.experiments.movielens.runs import Method, Result, Run, chosen, methods, plan
from yt8m_models.experiments.movielens.scores import baseline_scores, content_scores, history_of
from yt8m_models.experiments.movielens.splits import Split
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems

_LOGGER = logging.getLogger(__name__)
_BLOCK_ELEMENTS = 1 << 22


def run_movielens(config: MovieLensConfig) -> list[str]:
    """Scores and measures what is not done yet, and writes the report of all that is.

    Results are kept as they come, and the report is written after every run.

    Returns:
        The paths of the report and the plots.

    Raises:
        ValueError: a flag is wrong, a file cannot be read, no movie has ratings and features, no
            user has enough ratings, or a library is needed and not installed.
    """
    filesystems.require(config.output_dir)
    if {"svd", "nmf"} & set(config.baselines):
        require("surprise")
    ratings = read_ratings(config.ratings)
    features = load_features(config)
    ratings, features = _of_known_movies(ratings, features)
    all_methods = methods(config, features)
    runs = plan(config, ratings, features)
    with Progress(len(runs), "runs", "movielens") as progress:
        for run in runs:
            wanted = all_methods if run.num_train is None else chosen(config, all_methods)
            if _execute(run, wanted, config, ratings, features):
                MovieLensReport(config, all_methods, runs).write()
            progress.update()
    report = MovieLensReport(config, all_methods, runs)
    return report.write() + report.write_images()


def _of_known_movies(ratings: Ratings, features: list[Features]) -> tuple[Ratings, list[Features]]:
    """Ratings of the movies that all features have: every method ranks the same movies."""
    ids, names = features[0].ids.ids, features[0].name
    for other in features[1:]:
        rows = other.ids.matched_rows(ids, f"--features={names}", f"--features={other.name}")
        ids, names = ids[rows >= 0], f"{names},{other.name}"
    movies = VideoIds(ids)
    movies.matched_rows(ratings.movie_ids.ids, "the ratings", f"--features={names}")
    known = ratings.of_movies(movies)
    if len(known) < len(ratings):
        num_movies = int((movies.rows(ratings.movie_ids.ids) < 0).sum())
        _LOGGER.warning(
            "%d of %d ratings are left out: their movies, %d of %d, have no features",
            *(len(ratings) - len(known), len(ratings), num_movies, len(ratings.movie_ids)),
        )
    return known, [each.of_movies(movies) for each in features]


def _execute(
    run: Run,
    wanted: list[Method],
    config: MovieLensConfig,
    ratings: Ratings,
    features: list[Features],
) -> bool:
    """Scores and measures the methods that the run lacks; whether there were any."""
    results = run.results()
    missing = [method for method in wanted if method.key(config) not in results]
    if not missing:
        return False
    split = run.split(ratings, config)
    vectors = {each.name: each.vectors for each in features}
    if config.cdml_steps and any(method.name == CDML for method in missing):
        vectors[CDML] = _cdml(run, split, config, features[0])
    for method in missing:
        start = time.monotonic()
        scores, num_without = _score(method, split, vectors, config, run.seed)
        ndcgs, precisions = measure(split, scores, config.top_k, config.relevant_stars)
        results[method.key(config)] = Result(
            split.num_users,
            num_without,
            int(np.isnan(precisions).sum()),
            mean_over_queries(ndcgs),
            mean_over_queries(precisions),
            time.monotonic() - start,
        )
        run.write(results)
    return True


def _score(
    method: Method, split: Split, vectors: dict[str, np.ndarray], config: MovieLensConfig, seed: int
) -> tuple[np.ndarray, int]:
    if not method.aggregation:
        return baseline_scores(method.name, split, config, seed), 0
    is_history, num_without = history_of(split, method.history)
    scores = content_scores(split, is_history, vectors[method.name], method.aggregation)
    return scores, num_without


def _cdml(run: Run, split: Split, config: MovieLensConfig, features: Features) -> np.ndarray:
    """Trains what CDML is on this split; beside the results, named as these and the settings."""
    from yt8m_models.experiments.movielens.co_likes import cdml_vectors

    settings = Method(CDML).key(config).encode()
    directory = f"{run.path.removesuffix('.json')}-{hashlib.sha256(settings).hexdigest()[:10]}"
    return cdml_vectors(split, features, config, directory, run.seed)


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
