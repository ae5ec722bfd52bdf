"""The results as files: `results.csv`, `runs.csv`, `mcnemar.csv`, `results.md` and images."""

from collections.abc import Mapping, Sequence

from yt8m_models.experiments.common.plots import write_images
from yt8m_models.experiments.common.report import results_csv, runs_csv, section, write_texts
from yt8m_models.experiments.common.rows import Table, rows_of
from yt8m_models.experiments.common.runs import results_of
from yt8m_models.experiments.common.summary import RowSummary, summarize
from yt8m_models.experiments.dsgmm.comparison import Comparison, compare
from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.runs import METRICS, Result, Run
from yt8m_models.storage.text_tables import csv_text, markdown_table

TITLES = {"gap": "GAP", "hit_at_one": "Hit@1"}
Planned = Mapping[tuple[str, int], Run]


def write_report(config: TablesConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes the files, of the runs that are done; their paths."""
    results = results_of(planned)
    summaries = summaries_of(tables, planned, results)
    comparisons = compare(summaries.values(), results)
    columns = [*METRICS, "validation_loss", "step", "seconds", "num_parameters"]
    texts = {
        "results.csv": results_csv(config.output_dir, tables, summaries, METRICS),
        "runs.csv": runs_csv(config.output_dir, planned, results, columns, _lines),
        "mcnemar.csv": csv_text(
            ("row_a", "row_b", "seed", "only_a", "only_b", "p_value"),
            (vars(each).values() for each in comparisons),
        ),
        "results.md": _markdown(config, tables, summaries, comparisons),
    }
    return write_texts(config.output_dir, texts)


def write_plots(config: TablesConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes an image of each table and figure with results, see `write_images`."""
    summaries = summaries_of(tables, planned, results_of(planned))
    return write_images(config.output_dir, tables, summaries, TITLES)


def summaries_of(
    tables: Sequence[Table], planned: Planned, results: Mapping[str, Result]
) -> dict[str, RowSummary]:
    """The test metrics of each row, by its name."""
    return summarize(planned, results, rows_of(tables), lambda row, result: result.metrics)


def _lines(result: Result) -> list[list[object]]:
    metrics = [result.metrics[metric] for metric in METRICS]
    about = [result.validation_loss, result.step, result.seconds, result.num_parameters]
    return [[*metrics, *about]]


def _markdown(
    config: TablesConfig,
    tables: Sequence[Table],
    summaries: Mapping[str, RowSummary],
    comparisons: Sequence[Comparison],
) -> str:
    lines = [
        f"Means over seeds {', '.join(map(str, config.seeds))} ± their standard deviation, "
        f"on the test videos `{config.test_data_pattern}`.",
        "Each run's checkpoint is the one with the lowest validation loss.",
    ]
    for table in tables:
        lines += section(table, summaries, TITLES, series="pooling")
        if not table.axis:
            lines += _matrix(table, summaries, comparisons)
    return "\n".join(lines) + "\n"


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
