"""The results as files: `results.csv`, `runs.csv`, `mcnemar.csv` and `results.md`."""

import math
from collections.abc import Mapping, Sequence

from yt8m_models.experiments.dsgmm.config import TablesConfig
from yt8m_models.experiments.dsgmm.rows import Table
from yt8m_models.experiments.dsgmm.runs import METRICS, Result, Run
from yt8m_models.experiments.dsgmm.summary import Comparison, Summary, compare, summarize
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text


def write_report(
    config: TablesConfig, tables: Sequence[Table], planned: Mapping[tuple[str, int], Run]
) -> list[str]:
    """Writes the files, of the runs that are done; their paths."""
    rows = {row.name: row for table in tables for row in table.rows}
    summaries = {each.row.name: each for each in summarize(planned, list(rows.values()))}
    comparisons = compare(list(summaries.values()))
    texts = {
        "results.csv": _results(config, tables, summaries),
        "runs.csv": _runs(config, planned),
        "mcnemar.csv": csv_text(
            ("row_a", "row_b", "seed", "only_a", "only_b", "p_value"),
            (vars(each).values() for each in comparisons),
        ),
        "results.md": _markdown(config, tables, summaries, comparisons),
    }
    for name, text in texts.items():
        write_text(join(config.output_dir, name), text)
    return [join(config.output_dir, name) for name in texts]


def _results(
    config: TablesConfig, tables: Sequence[Table], summaries: Mapping[str, Summary[Result]]
) -> str:
    """A line for each row of each table."""
    header = ["table", "row", "label", "runs", "directory"]
    header += [f"{metric}_{kind}" for metric in METRICS for kind in ("mean", "std")]
    return csv_text(
        header,
        (
            [
                *(table.name, row.name, row.label),
                len(summaries[row.name].results),
                _inside(config, summaries[row.name].directory),
                *(
                    value
                    for metric in METRICS
                    for value in (
                        summaries[row.name].mean(metric),
                        summaries[row.name].deviation(metric),
                    )
                ),
            ]
            for table in tables
            for row in table.rows
        ),
    )


def _runs(config: TablesConfig, planned: Mapping[tuple[str, int], Run]) -> str:
    """A line for each run that is done."""
    lines = []
    for run in {run.directory: run for run in planned.values()}.values():
        names = [row for (row, _), other in planned.items() if other is run]
        if (result := run.result()) is not None:
            lines.append(
                [
                    *(" ".join(names), result.seed, _inside(config, run.directory)),
                    *(result.metrics[metric] for metric in METRICS),
                    *(result.validation_loss, result.step, result.seconds, result.num_parameters),
                ]
            )
    header = ["rows", "seed", "directory", *METRICS]
    return csv_text([*header, "validation_loss", "step", "seconds", "num_parameters"], lines)


def _inside(config: TablesConfig, directory: str) -> str:
    return directory.removeprefix(join(config.output_dir, ""))


def _markdown(
    config: TablesConfig,
    tables: Sequence[Table],
    summaries: Mapping[str, Summary[Result]],
    comparisons: Sequence[Comparison],
) -> str:
    lines = [
        f"Means over seeds {', '.join(map(str, config.seeds))} ± their standard deviation, "
        f"on the test videos `{config.test_data_pattern}`.",
        "Each run's checkpoint is the one with the lowest validation loss.",
    ]
    for table in tables:
        number = table.name[-1]
        kind = "Figure" if table.axis else "Table"
        lines += ["", f"## {kind} {number}: {table.title}", ""]
        rows = []
        for row in table.rows:
            summary = summaries[row.name]
            figures = [cell(summary, metric) for metric in ("gap", "hit_at_one")]
            rows.append([row.series, row.label, *figures, str(len(summary.results))])
        header = ["pooling", table.axis or "row", "GAP", "Hit@1", "runs"]
        if table.axis:
            lines += markdown_table(header, rows)
        else:
            lines += markdown_table(header[1:], [row[1:] for row in rows])
            lines += _matrix(table, summaries, comparisons)
    return "\n".join(lines) + "\n"


def _matrix(
    table: Table, summaries: Mapping[str, Summary[Result]], comparisons: Sequence[Comparison]
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


def cell(summary: Summary, metric: str) -> str:
    """Mean and deviation for people to read; a dash without results."""
    mean, deviation = summary.mean(metric), summary.deviation(metric)
    if math.isnan(mean):
        return "–"
    return f"{mean:.4f}" + ("" if math.isnan(deviation) else f" ± {deviation:.4f}")
