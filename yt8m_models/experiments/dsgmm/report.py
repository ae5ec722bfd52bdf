"""The results as files, with McNemar's tests between the rows."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from eval.mcnemar_test import mcnemar
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.paper import paper_figures
from yt8m_models.experiments.dsgmm.runs import METRICS, Result, Run
from yt8m_models.experiments.dsgmm.splits import PARTS
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join

VALIDATION_METRICS = tuple(f"validation_{metric}" for metric in METRICS)
_BOTH = ("gap", "hit_at_one")  # table 2 has them of validation too
_OF_THE_PAPER = (*_BOTH, *(f"validation_{metric}" for metric in _BOTH), "miech_gap")


class TablesReport(Report[Result]):
    """`results.csv`, `runs.csv`, `mcnemar.csv`, `results.md` and an image of each table.

    The paper's figures stand beside the measured ones.

    Args:
        config, tables, planned: as in `Report`.
        counts: table 1, the videos of each part; without any it is left out.
    """

    config: TablesConfig
    metrics = (*METRICS, *VALIDATION_METRICS)
    columns = (*METRICS, "validation_loss", "step", "seconds", "num_parameters")
    series = "pooling"
    more = tuple(f"paper_{metric}" for metric in _OF_THE_PAPER)

    def __init__(
        self,
        config: TablesConfig,
        tables: Sequence[Table],
        planned: Mapping[tuple[str, int], Run],
        counts: Mapping[str, int] = {},
    ) -> None:
        super().__init__(config, tables, planned)
        self.counts = counts
        self._paper = paper_figures()

    @property
    def titles(self) -> dict[str, str]:
        return {"gap": "GAP", "hit_at_one": "Hit@1", "perr": "PERR", "map": "mAP"}

    @property
    def introduction(self) -> str:
        return (
            f"Means over seeds {', '.join(map(str, self.config.seeds))} ± their standard "
            f"deviation, on the test videos `{self.config.test_data_pattern}`.\n"
            f"Each run's checkpoint is the {self._tested}.\n"
            "Columns with “paper” are what Kafle et al. (arXiv 2012.11673) report of YouTube-8M."
        )

    @property
    def _tested(self) -> str:
        is_chosen = self.config.validation_data_pattern
        return "one with the lowest validation loss" if is_chosen else "last"

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        validation = dict.fromkeys(METRICS, math.nan)
        if result.validation_metrics is not None:
            validation.update(result.validation_metrics)
        of_validation = zip(VALIDATION_METRICS, METRICS, strict=True)
        return {**result.metrics, **{name: validation[metric] for name, metric in of_validation}}

    def lines_of(self, result: Result) -> list[list[object]]:
        values = {**vars(result), **result.metrics}
        return [[values[column] for column in self.columns]]

    def texts(self, results: Mapping[str, Result]) -> dict[str, str]:
        self._comparisons = compare(self.summaries(results).values(), results)
        texts = {
            **super().texts(results),
            "mcnemar.csv": csv_text(Comparison._fields, self._comparisons),
        }
        if self.counts:
            texts["table1.csv"] = csv_text(["part", "pattern", "videos", "paper"], self._splits())
        return texts

    def preface(self) -> list[str]:
        if not self.counts:
            return []
        rows = [
            [part, f"`{pattern}`" if pattern else "–", f"{videos:,}", f"{paper:,}"]
            for part, pattern, videos, paper in self._splits()
        ]
        header = ["part", "records", "videos", "paper"]
        return ["", "## Table 1: Videos", "", *markdown_table(header, rows)]

    def _splits(self) -> list[tuple[str, str, int, int]]:
        """Part, pattern, videos, and those of the paper."""
        return [
            (
                part,
                getattr(self.config, PARTS[part]),
                videos,
                int(self._paper["table1", part]["videos"]),
            )
            for part, videos in self.counts.items()
        ]

    def headings(self, table: Table) -> list[str]:
        return [title for _, title in self._columns_of(table)]

    def cells(self, table: Table, summary: RowSummary) -> list[str]:
        paper = self._paper.get((table.name, summary.row.name), {})
        return [
            _of_the_paper(paper, metric.removeprefix("paper_"))
            if metric.startswith("paper_")
            else summary.cell(metric)
            for metric, _ in self._columns_of(table)
        ]

    def more_of(self, table: Table, row: Row) -> list[object]:
        paper = self._paper.get((table.name, row.name), {})
        return [paper.get(metric, "") for metric in _OF_THE_PAPER]

    def _columns_of(self, table: Table) -> list[tuple[str, str]]:
        """The metrics and the titles of a table's columns."""
        known = {
            metric
            for (name, _), figures in self._paper.items()
            if name == table.name
            for metric in figures
        }
        shown = dict(self.titles)
        if "validation_gap" in known:
            validation = {f"validation_{name}": f"validation {shown[name]}" for name in _BOTH}
            shown = {**validation, **shown}
        columns = []
        for metric, title in shown.items():
            columns.append((metric, title))
            if metric in known:
                columns.append((f"paper_{metric}", f"{title}, paper"))
        if "miech_gap" in known:
            columns.append(("paper_miech_gap", "GAP, Miech et al."))
        return columns

    def section(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        lines = super().section(table, summaries)
        return lines if table.axis else lines + _matrix(table, summaries, self._comparisons)


def _of_the_paper(paper: Mapping[str, float], metric: str) -> str:
    return f"{paper[metric]:.3f}" if metric in paper else "–"


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
    different: dict[str, RowSummary] = {}
    for each in summaries:
        different.setdefault(each.directory, each)

    def correct(summary: RowSummary, seed: int) -> np.ndarray:
        return results[join(summary.directory, f"seed{seed}")].correct

    return [
        Comparison(
            *(first.row.name, second.row.name, seed),
            *mcnemar(correct(first, seed), correct(second, seed)),
        )
        for first, second in itertools.combinations(different.values(), 2)
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
