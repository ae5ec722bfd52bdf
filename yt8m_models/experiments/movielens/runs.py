"""Methods on splits: which there are, where their results are kept, and what they found."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.experiments.movielens.config import CDML, MovieLensConfig
from yt8m_models.experiments.movielens.features import Features
from yt8m_models.experiments.movielens.ratings import Ratings
from yt8m_models.experiments.movielens.splits import Split, split_by_count, split_by_fraction
from yt8m_models.storage.whole_file import join, write_text


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
                *(config.history, config.cdml_steps, config.cdml_hidden),
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
        if not tf.io.gfile.exists(self.path):
            return {}
        with tf.io.gfile.GFile(self.path) as file:
            text = file.read()
        try:
            return {key: Result(**values) for key, values in json.loads(text).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.path} is not a result of a run: {error}") from error

    def write(self, results: dict[str, Result]) -> None:
        """Writes the results, whole or not at all."""
        text = json.dumps({key: vars(result) for key, result in results.items()}, indent=1)
        write_text(self.path, text + "\n")


def methods(config: MovieLensConfig, features: Sequence[Features]) -> list[Method]:
    """Those of Table 4; the others are among them."""
    names = [each.name for each in features]
    names += [CDML] if config.cdml_steps else []
    found = [
        Method(name, aggregation, history)
        for name in names
        for aggregation in config.aggregations
        for history in config.histories
    ]
    return found + [Method(name) for name in config.baselines]


def chosen(config: MovieLensConfig, all_methods: Sequence[Method]) -> list[Method]:
    """Those of Table 5 and Figure 5."""
    return [method for method in all_methods if method.history in ("", config.history)]


def plan(config: MovieLensConfig, ratings: Ratings, features: Sequence[Features]) -> list[Run]:
    """The runs, seed after seed; each is named by what it depends on."""
    counts: list[int | None] = [None] if 4 in config.tables else []
    counts += config.training_counts if 5 in config.tables else ()
    counts += config.figure_counts if 5 in config.figures else ()
    protocol = [config.min_test, config.top_k, config.relevant_stars]
    data = _digest(ratings.users, ratings.movies, ratings.stars, *(f.vectors for f in features))
    settings = [*protocol, data, [each.name for each in features]]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:10]
    runs = []
    for seed in config.seeds:
        for count in dict.fromkeys(counts):
            name = f"fraction{config.train_fraction:g}" if count is None else f"n{count}"
            path = join(config.output_dir, "runs", f"{name}-seed{seed}-{digest}.json")
            runs.append(Run(count, seed, path))
    return runs


def _digest(*arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
