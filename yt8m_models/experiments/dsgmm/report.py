"""The results as files, with McNemar's tests."""

from collections.abc import Mapping, Sequence

from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.experiments.dsgmm.comparison import Comparison, compare
from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.runs import METRICS, Result, Run
from yt8m_models.storage.text_tables import csv_text, markdown_table


class TablesReport(Report[Result]):
    """`results.csv`, `runs.csv`, `mcnemar.csv`, `results.md` and an image of each table.

    Args:
        config: the flags.
        tables: tables and figures.
        planned: the run of each row's name and seed.
    """

    metrics = METRICS
    columns = (*METRICS, "validation_loss", "step", "seconds", "num_parameters")
    series = "pooling"

    def __init__(
        self,
        config: TablesConfig,
        tables: Sequence[Table],
        planned: Mapping[tuple[str, int], Run],
    ) -> None:
        super().__init__(config.output_dir, config.seeds, tables, planned)
        self.titles = {"gap": "GAP", "hit_at_one": "Hit@1"}
        self.introduction = (
            f"Means over seeds {', '.join(map(str, config.seeds))} ± their standard deviation, "
            f"on the test videos `{config.test_data_pattern}`.\n"
            "Each run's checkpoint is the one with the lowest validation loss."
        )

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return result.metrics

    def lines_of(self, result: Result) -> list[list[object]]:
        metrics = [result.metrics[metric] for metric in METRICS]
        about = [result.validation_loss, result.step, result.seconds, result.num_parameters]
        return [[*metrics, *about]]

    def texts(self, results: Mapping[str, Result]) -> dict[str, str]:
        self._comparisons = compare(self.summaries(results).values(), results)
        header = ("row_a", "row_b", "seed", "only_a", "only_b", "p_value")
        lines = (vars(each).values() for each in self._comparisons)
        return {**super().texts(results), "mcnemar.csv": csv_text(header, lines)}

    def section(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        lines = super().section(table, summaries)
        return lines if table.axis else lines + _matrix(table, summaries, self._comparisons)


def _matrix(
    table: Table, summaries: Mapping[str, RowSummary], comparisons: Sequence[Comparison]
) -> list[str]:
    """McNemar's p-values between the rows of a table."""
    names = {summary.directory: name for name, summary in reversed(list(summaries.items()))}
    largest: dict[frozenset[str], float] = {}
    for each in comparisons:
        pair = frozenset((each.row_a, each.row_b))
        largest[pair] = max(each.p_value, largest.get(pair, 0.0))

    def p_value(row: str, column: str) -> str:
        pair = frozenset(names[summaries[name].directory] for name in (row, column))
        return f"{largest[pair]:.2g}" if pair in largest else ""

    if len(table.rows) < 2:
        return []
    rows = []
    for index, row in enumerate(table.rows[:-1]):
        cells = [
            p_value(row.name, other.name) if column >= index else ""
            for column, other in enumerate(table.rows[1:])
        ]
        rows.append([row.label, *cells])
    return [
        "",
        "McNemar's test on Hit@1, models of one seed: the largest p-value of the seeds.",
        "",
        *markdown_table(["", *(row.label for row in table.rows[1:])], rows),
    ]
