"""Methods on splits: which there are, where their results are kept, and what they found."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.experiments.common.runs import digest
from yt8m_models.experiments.movielens.config import CDML, MovieLensConfig
from yt8m_models.experiments.movielens.features import Features
from yt8m_models.experiments.movielens.ratings import Ratings
from yt8m_models.experiments.movielens.splits import Split, split_by_count, split_by_fraction
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import join

_TIES = "all orders"  # of average precision: results with another policy are not taken up


@dataclass(frozen=True)
class Method:
    """A way to score a user's test movies.

    Attributes:
        name: of the features, or of the baseline.
        aggregation: of the similarities; empty for a baseline.
        history: which training ratings are the history; empty for a baseline.
    """

    name: str
    aggregation: str = ""
    history: str = ""

    @property
    def label(self) -> str:
        """For people to read."""
        return f"{self.name}, {self.aggregation}" if self.aggregation else self.name

    def key(self, config: MovieLensConfig) -> str:
        """The name of its results, with the settings that these depend on."""
        settings: dict[str, list[Any]] = {
            "svd": [config.svd_factors, config.svd_epochs],
            "nmf": [config.nmf_factors, config.nmf_epochs],
            CDML: [
                *(config.history, config.cdml_steps, config.cdml_hidden_size),
                *(config.cdml_embedding_size, config.cdml_batch_size, config.cdml_min_likes),
                config.cdml_learning_rate,
            ],
        }
        parts = [self.name, self.aggregation, self.history, *settings.get(self.name, [])]
        return " ".join(str(part) for part in parts if part != "")


@dataclass(frozen=True)
class Result:
    """What a method reached on a split.

    Attributes:
        num_users: users with enough ratings.
        num_without_history: users of whom the rule for the history left nothing.
        num_without_relevant: users whom average precision leaves out.
        ndcg: mean over users.
        average_precision: mean over users with a relevant test movie; NaN if none has one.
        seconds: to score and to measure.
    """

    num_users: int
    num_without_history: int
    num_without_relevant: int
    ndcg: float
    average_precision: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A split, and its results by the `key` of the method.

    Attributes:
        num_train: training ratings of each user; `None` where it is a fraction of each user's.
        seed: of the split.
        path: of the results.
    """

    num_train: int | None
    seed: int
    path: str

    def split(self, ratings: Ratings, config: MovieLensConfig) -> Split:
        if self.num_train is None:
            return split_by_fraction(ratings, config.train_fraction, config.min_test, self.seed)
        return split_by_count(ratings, self.num_train, config.min_test, self.seed)

    def results(self) -> dict[str, Result]:
        """What was found so far.

        Raises:
            ValueError: the file is not one of results.
        """
        found = read_result(
            self.path, lambda record: {key: Result(**values) for key, values in record.items()}
        )
        return found or {}

    def write(self, results: dict[str, Result]) -> None:
        """Writes the results, whole or not at all."""
        write_result(self.path, {key: vars(result) for key, result in results.items()})


def methods(config: MovieLensConfig, features: Sequence[Features]) -> list[Method]:
    """Those of Table 4; the others are among them."""
    names = [each.name for each in features] + ([CDML] if config.cdml_steps else [])
    found = itertools.product(names, config.aggregations, config.histories)
    return [*itertools.starmap(Method, found), *map(Method, config.baselines)]


def chosen(config: MovieLensConfig, all_methods: Sequence[Method]) -> list[Method]:
    """Those of Table 5 and Figure 5."""
    return [method for method in all_methods if method.history in ("", config.history)]


def plan(config: MovieLensConfig, ratings: Ratings, features: Sequence[Features]) -> list[Run]:
    """The runs, seed after seed; each is named by what it depends on."""
    counts: list[int | None] = [None] if 4 in config.tables else []
    counts += config.training_counts if 5 in config.tables else ()
    counts += config.figure_counts if 5 in config.figures else ()
    vectors = [each.vectors for each in features]
    arrays = hashlib.sha256()
    for array in (ratings.users, ratings.movies, ratings.stars, *vectors):
        arrays.update(repr((array.shape, array.dtype.str)).encode())
        arrays.update(np.ascontiguousarray(array).data)
    protocol = [config.min_test, config.top_k, config.relevant_stars, _TIES]
    settings = digest([*protocol, arrays.hexdigest(), [each.name for each in features]])
    runs = []
    for seed, count in itertools.product(config.seeds, dict.fromkeys(counts)):
        name = f"fraction{config.train_fraction:g}" if count is None else f"n{count}"
        path = join(config.output_dir, "runs", f"{name}-seed{seed}-{settings}.json")
        runs.append(Run(count, seed, path))
    return runs
