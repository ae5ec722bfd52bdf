"""What the runs of a row found, together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from eval.significance import mcnemar
from yt8m_models.experiments.dsgmm.rows import Row
from yt8m_models.experiments.dsgmm.runs import Result, Run


class Measured(Protocol):
    """The result of a run."""

    @property
    def metrics(self) -> Mapping[str, float]: ...


Found = TypeVar("Found", bound=Measured)


@dataclass(frozen=True)
class Summary(Generic[Found]):
    """A row's results.

    Attributes:
        row: the row.
        directory: of its runs, shared with the rows that have the same settings.
        results: those that are done, by seed.
    """

    row: Row
    directory: str
    results: Mapping[int, Found]

    def mean(self, metric: str) -> float:
        """Over the seeds; NaN without any."""
        return float(np.mean(self._values(metric))) if self.results else float("nan")

    def deviation(self, metric: str) -> float:
        """The standard deviation over the seeds, of a sample (n - 1); NaN for fewer than two."""
        return (
            float(np.std(self._values(metric), ddof=1)) if len(self.results) > 1 else float("nan")
        )

    def _values(self, metric: str) -> list[float]:
        return [result.metrics[metric] for result in self.results.values()]


@dataclass(frozen=True)
class Comparison:
    """McNemar's test on Hit@1 of two rows' models of one seed.

    Attributes:
        row_a: name of one row.
        row_b: name of the other.
        seed: of both models.
        only_a: test videos that the first alone has right.
        only_b: test videos that the second alone has right.
        p_value: two-sided.
    """

    row_a: str
    row_b: str
    seed: int
    only_a: int
    only_b: int
    p_value: float


def summarize(planned: Mapping[tuple[str, int], Run], rows: Sequence[Row]) -> list[Summary[Result]]:
    """The results of each row that are done.

    Raises:
        ValueError: runs were tested on different videos.
    """
    results: dict[str, Result] = {}
    for run in planned.values():
        if run.directory not in results and (result := run.result()) is not None:
            results[run.directory] = result
    if len({result.videos for result in results.values()}) > 1:
        raise ValueError(
            "the test records have changed since the first run: the runs were tested on different "
            "videos; choose another --output_dir"
        )
    seeds = dict.fromkeys(seed for _, seed in planned)
    summaries = []
    for row in rows:
        runs = {seed: planned[row.name, seed] for seed in seeds}
        done = {
            seed: results[run.directory] for seed, run in runs.items() if run.directory in results
        }
        directory = next(iter(runs.values())).directory.rsplit("/", 1)[0]
        summaries.append(Summary(row, directory, done))
    return summaries


def compare(summaries: Sequence[Summary[Result]]) -> list[Comparison]:
    """McNemar's test of every two rows with different settings, for each seed that both have.

    The models of different seeds are tested on the same videos, so their counts are not
    independent and are not added up.
    """
    different = list({summary.directory: summary for summary in reversed(summaries)}.values())[::-1]
    return [
        Comparison(
            first.row.name,
            second.row.name,
            seed,
            *mcnemar(first.results[seed].correct, second.results[seed].correct),
        )
        for index, first in enumerate(different)
        for second in different[index + 1 :]
        for seed in first.results
        if seed in second.results
    ]
