"""The results of all runs, by method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.runs import Method, Result, Run

METRICS = {"ndcg": "NDCG@{top_k}", "average_precision": "Average precision"}


@dataclass(frozen=True)
class Summary:
    """What a method reached with as many training ratings.

    Attributes:
        method: the method.
        num_train: training ratings of each user; `None` where it is a fraction of each user's.
        results: by seed; at least one.
    """

    method: Method
    num_train: int | None
    results: Mapping[int, Result]

    def mean(self, name: str) -> float:
        """Over the seeds, of a field of `Result`."""
        return float(np.mean(self._values(name)))

    def deviation(self, name: str) -> float:
        """The standard deviation over the seeds, of a sample (n - 1); NaN for fewer than two."""
        return float(np.std(self._values(name), ddof=1)) if len(self.results) > 1 else float("nan")

    def _values(self, name: str) -> list[float]:
        return [vars(result)[name] for result in self.results.values()]


Summaries = Mapping[tuple[int | None, Method], Summary]


def summarize(config: MovieLensConfig, methods: Sequence[Method], runs: Sequence[Run]) -> Summaries:
    """What there is of each number of training ratings and method."""
    found: dict[tuple[int | None, Method], dict[int, Result]] = {}
    for run in runs:
        results = run.results()
        for method in methods:
            if (result := results.get(method.key(config))) is not None:
                found.setdefault((run.num_train, method), {})[run.seed] = result
    return {key: Summary(key[1], key[0], results) for key, results in found.items()}
