"""Splits as runs: which there are, where their results are kept, and what they found."""

import dataclasses
import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.experiments.common import runs as common
from yt8m_models.experiments.common.rows import Row
from yt8m_models.experiments.common.runs import digest, plan_runs
from yt8m_models.movielens.config import MovieLensConfig
from yt8m_models.movielens.features import Features
from yt8m_models.movielens.ratings import Ratings
from yt8m_models.movielens.rows import Method, split_name
from yt8m_models.movielens.splits import Split, split_by_count, split_by_fraction
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join

_TIES = "all orders"  # of average precision: results with another policy are not taken up


@dataclass(frozen=True)
class Quality:
    """What a method reached on a split.

    Attributes:
        num_users: users with enough ratings.
        num_without_history: users of whom the rule for the history left nothing.
        num_without_relevant: users whom average precision leaves out.
        ndcg: mean over users.
        average_precision: mean over users with a relevant test movie; NaN if none has one.
        seconds: to score and to measure.
        average_precision_3, average_precision_4, average_precision_5: the same where as many stars
            make a movie relevant, whatever `--relevant_stars`; NaN in results of versions that
            did not have them.
    """

    num_users: int
    num_without_history: int
    num_without_relevant: int
    ndcg: float
    average_precision: float
    seconds: float
    average_precision_3: float = math.nan
    average_precision_4: float = math.nan
    average_precision_5: float = math.nan


@dataclass(frozen=True)
class Result(common.Result):
    """What was found on a split.

    Attributes:
        quality: of the methods that are done, by their `key`.
    """

    quality: Mapping[str, Quality]

    def record(self) -> dict[str, Any]:
        """The methods alone: what the settings are is in the name of the file."""
        return {key: vars(quality) for key, quality in self.quality.items()}


@dataclass(frozen=True)
class Run(common.Run[Result]):
    """Methods to score on a split. The result is in a file beside the directory, `path`.

    Attributes:
        num_train: training ratings of each user; `None` where it is a fraction of each user's.
        seed: of the split.
        methods: by their `key`.
    """

    num_train: int | None
    seed: int
    methods: Mapping[str, Method]

    @property
    def path(self) -> str:
        """Of the result."""
        return f"{self.directory}.json"

    def result(self) -> Result | None:
        """What was found so far, also by another command.

        Raises:
            ValueError: the file is not a result.
        """

        def parse(record: dict[str, Any]) -> Result:
            quality = {key: Quality(**values) for key, values in record.items()}
            return Result(self.settings, self.seed, quality)

        return read_result(self.path, parse)

    def is_done(self) -> bool:
        """Whether it lacks none of the methods."""
        result = self.result()
        return self.methods.keys() <= (set() if result is None else result.quality.keys())

    def split(self, ratings: Ratings, config: MovieLensConfig) -> Split:
        if self.num_train is None:
            return split_by_fraction(ratings, config.train_fraction, config.min_test, self.seed)
        return split_by_count(ratings, self.num_train, config.min_test, self.seed)

    def with_methods_of(self, other: "Run") -> "Run":
        """The same, for the methods of another one, too."""
        return dataclasses.replace(self, methods={**self.methods, **other.methods})


def plan(
    config: MovieLensConfig,
    rows: Sequence[Row],
    wanted: Collection[Row],
    ratings: Ratings,
    features: Sequence[Features],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed; the rows of a split have one run.

    Args:
        config: the flags.
        rows: what is reported where it is there.
        wanted: those of them that runs are for.
        ratings: all of them.
        features: of the movies.
    """
    arrays = hashlib.sha256()
    vectors = [each.vectors for each in features]
    for array in (ratings.users, ratings.movies, ratings.stars, *vectors):
        arrays.update(repr((array.shape, array.dtype.str)).encode())
        arrays.update(np.ascontiguousarray(array).data)
    settings = {name: getattr(config, name) for name in ("min_test", "top_k", "relevant_stars")}
    settings |= {
        "ties": _TIES,
        "arrays": arrays.hexdigest(),
        "features": [each.name for each in features],
    }
    identity = digest(list(settings.values()))
    names = {row.name for row in wanted}

    def run_of(row: Row, seed: int) -> Run:
        num_train, method = row.changes["num_train"], row.changes["method"]
        name = split_name(config, num_train)
        return Run(
            name=f"{name}, seed {seed}",
            directory=join(config.output_dir, "runs", f"{name}-seed{seed}-{identity}"),
            settings=settings,
            num_train=num_train,
            seed=seed,
            methods={method.key(config): method} if row.name in names else {},
        )

    return plan_runs(rows, config.seeds, run_of, Run.with_methods_of)
