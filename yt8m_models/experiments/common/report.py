"""The results of an experiment as files."""

from collections.abc import Mapping, Sequence
from typing import Generic

from yt8m_models.experiments.common.config import ExperimentConfig
from yt8m_models.experiments.common.plots import draw
from yt8m_models.experiments.common.rows import Row, Table, rows_of
from yt8m_models.experiments.common.runs import Found, Run, distinct
from yt8m_models.experiments.common.summary import RowSummary, statistics_header
from yt8m_models.storage.plots import can_plot, save_figure
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text


class Report(Generic[Found]):
    """What the runs that are done found: CSV files, `results.md` and an image of each table.

    Args:
        config: the flags.
        tables: tables and figures.
        planned: the run of each row's name and seed.
        rows: those of the tables unless given, and others that only the CSV files have.

    Subclasses have `titles` (or `titles_of`), `introduction`, `metrics_of`, `lines_of` (or another
    `runs_csv`) and

        metrics  names of the metrics
        columns  of `lines_of`, in `runs.csv` after the rows, the seed and the directory
        series   what the lines of figures are, where `results.md` says so
        paper    figures of the paper by table and row, and by metric, which stand beside the
                 measured ones
        more     further columns of `results.csv`, which `more_of` fills
    """

    config: ExperimentConfig
    metrics: Sequence[str]
    columns: Sequence[str]
    series = ""
    paper: Mapping[tuple[str, str], Mapping[str, float]] = {}
    more: Sequence[str] = ()

    def __init__(
        self,
        config: ExperimentConfig,
        tables: Sequence[Table],
        planned: Mapping[tuple[str, int], Run[Found]],
        rows: Sequence[Row] = (),
    ) -> None:
        self.config = config
        self.tables = tables
        self.planned = planned
        self.rows = rows or rows_of(tables)

    @property
    def titles(self) -> Mapping[str, str]:
        """The titles of the metrics that tables and images show."""
        raise NotImplementedError

    def titles_of(self, table: Table) -> Mapping[str, str]:
        """Those that a table shows: all, unless it is something else."""
        return self.titles

    @property
    def introduction(self) -> str:
        """The first lines of `results.md`."""
        raise NotImplementedError

    def metrics_of(self, row: Row, result: Found) -> Mapping[str, float]:
        """What a result says of a row; nothing where it lacks the row."""
        raise NotImplementedError

    def lines_of(self, result: Found) -> list[list[object]]:
        """The lines of `runs.csv` that a result has, with values of `columns`."""
        raise NotImplementedError

    def write(self) -> list[str]:
        """Writes all but the images; the paths."""
        texts = self.texts(self.results())
        paths = {join(self.config.output_dir, name): text for name, text in texts.items()}
        for path, text in paths.items():
            write_text(path, text)
        return list(paths)

    def write_images(self) -> list[str]:
        """Writes an image of each table with results; none, with a note, without matplotlib."""
        paths: list[str] = []
        if not can_plot("images"):
            return paths
        summaries = self.summaries(self.results())
        for table in self.tables:
            found = [summaries[row.name] for row in table.rows if summaries[row.name].metrics]
            if found:
                paths.append(join(self.config.output_dir, f"{table.name}.png"))
                save_figure(paths[-1], draw(table, found, self.titles_of(table)))
        return paths

    def results(self) -> dict[str, Found]:
        """What was found so far, by the directory of the run.

        Raises:
            ValueError: a file is not a result.
        """
        found = {run.directory: run.result() for run in distinct(self.planned)}
        return {directory: result for directory, result in found.items() if result is not None}

    def summaries(self, results: Mapping[str, Found]) -> dict[str, RowSummary]:
        """The metrics of each row, by its name; a run that serves all seeds counts once."""
        summaries = {}
        for row in self.rows:
            runs = [self.planned[row.name, seed].directory for seed in self.config.seeds]
            done = [results[directory] for directory in runs if directory in results]
            metrics = {result.seed: self.metrics_of(row, result) for result in done}
            found = {seed: values for seed, values in metrics.items() if values}
            summaries[row.name] = RowSummary(found, row, runs[0].rsplit("/", 1)[0])
        return summaries

    def texts(self, results: Mapping[str, Found]) -> dict[str, str]:
        """The files by their names."""
        summaries = self.summaries(results)
        sections = [line for table in self.tables for line in self.section(table, summaries)]
        return {
            "results.csv": self.results_csv(summaries),
            "runs.csv": self.runs_csv(results),
            "results.md": "\n".join([self.introduction, *self.preface(), *sections]) + "\n",
        }

    def preface(self) -> list[str]:
        """Lines of `results.md` before the first table of results."""
        return []

    def section(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        """The lines of a table in `results.md`, with its heading."""
        columns = [self.series] if self.series and table.axis else []
        rows = []
        for row in table.rows:
            summary = summaries[row.name]
            names = [row.series, row.label] if columns else [row.label]
            rows.append([*names, *self.cells(table, summary), str(len(summary.metrics))])
        header = [*columns, table.axis or "row", *self.headings(table), "runs"]
        return ["", f"## {table.heading}", "", *markdown_table(header, rows)]

    def headings(self, table: Table) -> list[str]:
        """The columns of a table in `results.md` that have figures."""
        known = self._metrics_of_the_paper(table)
        return [
            heading
            for metric, title in self.titles_of(table).items()
            for heading in ([title, f"{title}, paper"] if metric in known else [title])
        ]

    def cells(self, table: Table, summary: RowSummary) -> list[str]:
        """The figures of a row in the columns of `headings`."""
        known = self._metrics_of_the_paper(table)
        figures = self.paper.get((table.name, summary.row.name), {})
        cells = []
        for metric in self.titles_of(table):
            cells.append(summary.cell(metric))
            if metric in known:
                cells.append(f"{figures[metric]:.4f}" if metric in figures else "–")
        return cells

    def _metrics_of_the_paper(self, table: Table) -> set[str]:
        """The metrics that the paper reports of any row of a table."""
        return {
            metric
            for (name, _), figures in self.paper.items()
            if name == table.name
            for metric in figures
        }

    def results_csv(self, summaries: Mapping[str, RowSummary]) -> str:
        """A line for each row of each table."""
        lines: list[list[object]] = []
        for table in self.tables:
            for row in table.rows:
                summary = summaries[row.name]
                about = [len(summary.metrics), self._inside(summary.directory)]
                values = summary.statistics(self.metrics)
                extra = self.more_of(table, row)
                lines.append([table.name, row.name, row.label, *about, *values, *extra])
        header = ["table", "row", "label", "runs", "directory", *statistics_header(self.metrics)]
        return csv_text([*header, *self.more], lines)

    def more_of(self, table: Table, row: Row) -> list[object]:
        """The values of `more`: unless it is something else, of `paper_METRIC`."""
        figures = self.paper.get((table.name, row.name), {})
        return [figures.get(name.removeprefix("paper_"), "") for name in self.more]

    def runs_csv(self, results: Mapping[str, Found]) -> str:
        """The lines of each run that is done."""
        lines: list[list[object]] = []
        for directory, result in results.items():
            rows = [row for (row, _), run in self.planned.items() if run.directory == directory]
            where = [" ".join(dict.fromkeys(rows)), result.seed, self._inside(directory)]
            lines += [[*where, *line] for line in self.lines_of(result)]
        return csv_text(["rows", "seed", "directory", *self.columns], lines)

    def _inside(self, directory: str) -> str:
        return directory.removeprefix(join(self.config.output_dir, ""))
