"""The results as files, with McNemar's tests between the rows."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from eval.mcnemar_test import mcnemar
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.runs import METRICS, Result
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join


class TablesReport(Report[Result]):
    """`results.csv`, `runs.csv`, `mcnemar.csv`, `results.md` and an image of each table."""

    config: TablesConfig
    metrics = METRICS
    columns = (*METRICS, "validation_loss", "step", "seconds", "num_parameters")
    series = "pooling"

    @property
    def titles(self) -> dict[str, str]:
        return {"gap": "GAP", "hit_at_one": "Hit@1", "perr": "PERR", "map": "mAP"}

    @property
    def introduction(self) -> str:
        return (
            f"Means over seeds {', '.join(map(str, self.config.seeds))} ± their standard "
            f"deviation, on the test videos `{self.config.test_data_pattern}`.\n"
            f"Each run's checkpoint is the {self._tested}."
        )

    @property
    def _tested(self) -> str:
        is_chosen = self.config.validation_data_pattern
        return "one with the lowest validation loss" if is_chosen else "last"

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return result.metrics

    def lines_of(self, result: Result) -> list[list[object]]:
        values = {**vars(result), **result.metrics}
        return [[values[column] for column in self.columns]]

    def texts(self, results: Mapping[str, Result]) -> dict[str, str]:
        self._comparisons = compare(self.summaries(results).values(), results)
        return {
            **super().texts(results),
            "mcnemar.csv": csv_text(Comparison._fields, self._comparisons),
        }

    def section(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        lines = super().section(table, summaries)
        return lines if table.axis else lines + _matrix(table, summaries, self._comparisons)


class Comparison(NamedTuple):
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


def compare(summaries: Collection[RowSummary], results: Mapping[str, Result]) -> list[Comparison]:
    """McNemar's test of every two rows with different settings, for each seed that both have.

    The models of different seeds are tested on the same videos, so their counts are not
    independent and are not added up.

    Args:
        summaries: of the rows.
        results: by the directory of the run.

    Raises:
        ValueError: runs were tested on different videos.
    """
    if len({result.videos for result in results.values()}) > 1:
        raise ValueError(
            "the test records have changed since the first run: the runs were tested on different "
            "videos; choose another --output_dir"
        )
    different = list({each.directory: each for each in reversed(list(summaries))}.values())[::-1]

    def correct(summary: RowSummary, seed: int) -> np.ndarray:
        return results[join(summary.directory, f"seed{seed}")].correct

    return [
        Comparison(
            *(first.row.name, second.row.name, seed),
            *mcnemar(correct(first, seed), correct(second, seed)),
        )
        for first, second in itertools.combinations(different, 2)
        for seed in first.metrics
        if seed in second.metrics
    ]


def _matrix(
    table: Table, summaries: Mapping[str, RowSummary], comparisons: Sequence[Comparison]
) -> list[str]:
    """McNemar's p-values between the rows of a table."""
    if len(table.rows) < 2:
        return []
    directories = {name: summary.directory for name, summary in summaries.items()}
    largest: dict[frozenset[str], float] = {}
    for each in comparisons:
        pair = frozenset((directories[each.row_a], directories[each.row_b]))
        largest[pair] = max(each.p_value, largest.get(pair, 0.0))
    rows = []
    for index, row in enumerate(table.rows[:-1]):
        cells = [""] * index
        for other in table.rows[index + 1 :]:
            pair = frozenset((directories[row.name], directories[other.name]))
            cells.append(f"{largest[pair]:.2g}" if pair in largest else "")
        rows.append([row.label, *cells])
    return [
        "",
        "McNemar's test on Hit@1, models of one seed: the largest p-value of the seeds.",
        "",
        *markdown_table(["", *(row.label for row in table.rows[1:])], rows),
    ]
