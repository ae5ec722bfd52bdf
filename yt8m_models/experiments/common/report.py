"""Results as text: the files that experiments have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from yt8m_models.experiments.common.rows import Table
from yt8m_models.experiments.common.runs import Run, distinct
from yt8m_models.experiments.common.summary import RowSummary, Seeded, statistics_header
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text

Found = TypeVar("Found", bound=Seeded)


def write_texts(output_dir: str, texts: Mapping[str, str]) -> list[str]:
    """Writes texts by the names of their files; the paths."""
    paths = {join(output_dir, name): text for name, text in texts.items()}
    for path, text in paths.items():
        write_text(path, text)
    return list(paths)


def results_csv(
    output_dir: str,
    tables: Sequence[Table],
    summaries: Mapping[str, RowSummary],
    metrics: Sequence[str],
) -> str:
    """A line for each row of each table, with the mean and the deviation of each metric."""
    lines: list[list[object]] = []
    for table in tables:
        for row in table.rows:
            summary = summaries[row.name]
            about = [len(summary.metrics), _inside(output_dir, summary.directory)]
            lines.append([table.name, row.name, row.label, *about, *summary.statistics(metrics)])
    header = ["table", "row", "label", "runs", "directory", *statistics_header(metrics)]
    return csv_text(header, lines)


def runs_csv(
    output_dir: str,
    planned: Mapping[tuple[str, int], Run],
    results: Mapping[str, Found],
    columns: Sequence[str],
    lines_of: Callable[[Found], Sequence[Sequence[object]]],
) -> str:
    """A line, or several, for each run that is done.

    Args:
        output_dir: directories are given inside it.
        planned: the run of each row's name and seed.
        results: those that are done, by the directory of the run.
        columns: of what follows the rows, the seed and the directory.
        lines_of: their values, of each line.
    """
    lines: list[list[object]] = []
    for run in distinct(planned):
        if (result := results.get(run.directory)) is not None:
            names = dict.fromkeys(row for (row, _), other in planned.items() if other is run)
            where = [" ".join(names), result.seed, _inside(output_dir, run.directory)]
            lines += [[*where, *line] for line in lines_of(result)]
    return csv_text(["rows", "seed", "directory", *columns], lines)


def section(
    table: Table,
    summaries: Mapping[str, RowSummary],
    titles: Mapping[str, str],
    series: str = "",
) -> list[str]:
    """The lines of a table in Markdown, with its heading.

    Args:
        table: the table.
        summaries: by the names of the rows.
        titles: of the metrics to show.
        series: what the lines of a figure are; it has a column for them where this is given.
    """
    columns = [series] if series and table.axis else []
    rows = []
    for row in table.rows:
        summary = summaries[row.name]
        cells = [summary.cell(metric) for metric in titles]
        names = [row.series, row.label] if columns else [row.label]
        rows.append([*names, *cells, str(len(summary.metrics))])
    header = [*columns, table.axis or "row", *titles.values(), "runs"]
    return ["", f"## {table.heading}", "", *markdown_table(header, rows)]


def _inside(output_dir: str, directory: str) -> str:
    return directory.removeprefix(join(output_dir, ""))
