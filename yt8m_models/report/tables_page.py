"""The page of an experiment's tables."""

import math
from collections.abc import Mapping, Sequence

import tensorflow as tf

from yt8m_models.report.csv_rows import CsvRows, read_rows
from yt8m_models.report.line_chart import LineChart, Series
from yt8m_models.report.matrix import Difference, Matrix
from yt8m_models.report.page import Page
from yt8m_models.report.section import Block, Section
from yt8m_models.report.spread_chart import Spread, SpreadChart
from yt8m_models.report.table import Table
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import join

_MEAN, _STD = "_mean", "_std"
_RESULTS, _RUNS, _TESTS, _TEXT = "results.csv", "runs.csv", "mcnemar.csv", "results.md"
_OF_TABLES = ("row", "label", "directory")
_TITLES = {
    "gap": "GAP",
    "hit_at_one": "Hit@1",
    "perr": "PERR",
    "map": "mAP",
    "ndcg": "NDCG",
    "average_precision": "Average precision",
    "t2e_ndcg": "NDCG, T2E",
    "t2e_map": "MAP, T2E",
    "e2t_ndcg": "NDCG, E2T",
    "e2t_map": "MAP, E2T",
    "max_auc": "AUC, max similarity",
    "mean_auc": "AUC, mean similarity",
    "glmix_auc": "AUC of GLMix, all videos",
    "cold_auc": "AUC of GLMix, cold-start videos",
    "max_gain": "Gain, max similarity",
    "mean_gain": "Gain, mean similarity",
    "glmix_gain": "Gain of GLMix, all videos",
    "cold_gain": "Gain of GLMix, cold-start videos",
}
_WHAT = "a line of yt8m dsgmm-tables, cdml-tables, watch-tables or movielens"

Row = Mapping[str, str]


def tables_page(directory: str) -> Page:
    """The page of `results.csv` and, where they are there, `runs.csv` and `mcnemar.csv`.

    Titles are those of `results.md`.

    Raises:
        ValueError: the directory has no `results.csv`, or a file of it is damaged.
        OSError: a file cannot be read.
    """
    results = read_rows(join(directory, _RESULTS), _WHAT)
    if results is None:
        raise ValueError(f"no {_RESULTS} in --tables_dir={directory}")
    metrics = [name.removesuffix(_MEAN) for name in results.header if name.endswith(_MEAN)]
    if not metrics:
        raise ValueError(
            f"{results.path} must have a column NAME{_MEAN}; it has {', '.join(results.header)}"
        )
    results.require(*(_OF_TABLES if "table" in results.header else ("runs",)))
    runs = read_rows(join(directory, _RUNS), _WHAT)
    tests = read_rows(join(directory, _TESTS), _WHAT)
    introduction, described = _described(join(directory, _TEXT), len(metrics))
    group = "table" if "table" in results.header else results.header[0]
    groups = {
        name: [row for row in results.rows if row[group] == name]
        for name in dict.fromkeys(row[group] for row in results.rows)
    }
    headings = [_heading(results, rows) for rows in groups.values()]
    is_same = (
        group == "table"
        and len(described) == len(headings)
        and all(
            heading.partition(",")[0] == title.partition(":")[0]
            for heading, (title, _) in zip(headings, described, strict=True)
        )
    )
    sections = [
        _section(results, rows, metrics, tests, described[place] if is_same else None)
        for place, rows in enumerate(groups.values())
    ]
    if runs is not None and runs.rows:
        sections.append(Section("Runs", [_table("Every run", runs.header, runs.rows)]))
    name = directory.rstrip("/").rpartition("/")[2]
    return Page("Experiment", name, directory, sections, introduction)


def _section(
    results: CsvRows,
    rows: Sequence[Row],
    metrics: Sequence[str],
    tests: CsvRows | None,
    described: tuple[str, str] | None,
) -> Section:
    """A table of the paper: its drawings, its values, its tests."""
    is_figure = rows[0].get("table", "").startswith("figure")
    heading = _heading(results, rows)
    title, axis = described if described is not None else (heading, "setting")
    charts: list[Block | None] = [
        _curves(results, rows, metric, axis) if is_figure else _spreads(results, rows, metric)
        for metric in metrics
    ]
    blocks = [chart for chart in charts if chart is not None]
    header = [
        name
        for name in results.header
        if name not in ("table", "directory") and any(row[name] for row in rows)
    ]
    blocks.append(_table(f"{heading}: the values", header, rows, metrics))
    if tests is not None and not is_figure:
        blocks += _matrix(results, rows, tests)
    return Section(title, blocks)


def _described(path: str, num_metrics: int) -> tuple[str, list[tuple[str, str]]]:
    """What `results.md` says first, and of each table the title and the name of the x axis."""
    lines = read_text(path).splitlines() if tf.io.gfile.exists(path) else []
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    introduction = " ".join(lines[: starts[0] if starts else 0]).replace("`", "").strip()
    found = []
    for start in starts:
        header = next((line for line in lines[start:] if line.startswith("|")), "")
        cells = [cell.strip() for cell in header.strip("|").split("|")]
        # The series, if there is one, then the axis, the metrics and the number of runs.
        axis = cells[1] if len(cells) == num_metrics + 3 else cells[0]
        found.append((lines[start].removeprefix("## "), axis))
    return introduction, found


def _heading(results: CsvRows, rows: Sequence[Row]) -> str:
    """Such as `Table 2`, `Figure 3, size`, or of MovieLens `train ratings: 50%`."""
    if "table" in rows[0]:
        name, _, rest = rows[0]["table"].partition("-")
        kind = name.rstrip("0123456789")
        return f"{kind.capitalize()} {name.removeprefix(kind)}{', ' if rest else ''}{rest}"
    column = results.header[0]
    return f"{column.replace('_', ' ').capitalize()}: {rows[0][column]}"


def _label(results: CsvRows, row: Row) -> str:
    if "label" in row:
        return row["label"]
    last = results.header.index("runs")
    return " · ".join(row[name] for name in results.header[1:last] if row[name])


def _spreads(results: CsvRows, rows: Sequence[Row], metric: str) -> SpreadChart | None:
    spreads = [
        Spread(_label(results, row), mean, results.number(row, metric + _STD))
        for row in rows
        if math.isfinite(mean := results.number(row, metric + _MEAN))
    ]
    return SpreadChart(_title(metric), spreads) if spreads else None


def _curves(results: CsvRows, rows: Sequence[Row], metric: str, axis: str) -> LineChart | None:
    """The points of a figure: the label is where, and the name without it is on which line."""
    texts = list(dict.fromkeys(row["label"] for row in rows))
    series = []
    for name in dict.fromkeys(_line(row) for row in rows):
        points = [row for row in rows if _line(row) == name]
        series.append(
            Series(
                name,
                [texts.index(row["label"]) for row in points],
                [results.number(row, metric + _MEAN) for row in points],
                "points",
                [results.number(row, metric + _STD) for row in points],
            )
        )
    if not any(math.isfinite(y) for each in series for y in each.ys):
        return None
    return LineChart(_title(metric), axis, series, x_texts=texts)


def _line(row: Row) -> str:
    return row["row"].rpartition("-")[0] or row["row"]


def _title(metric: str) -> str:
    return _TITLES.get(metric, metric)


def _table(
    title: str, header: Sequence[str], rows: Sequence[Row], metrics: Sequence[str] = ()
) -> Table:
    """Rows of a CSV file; those of metrics have four digits."""
    names = {f"{each}{_MEAN}": _title(each) for each in metrics}
    names |= {f"{each}{_STD}": f"± {_title(each)}" for each in metrics}
    shown = [names.get(name, name.replace("_", " ")) for name in header]
    formats = dict.fromkeys(names.values(), ".4f") | dict.fromkeys(map(_title, _TITLES), ".4f")
    formats |= {name: ".4f" for name in header if name in _TITLES}
    return Table(
        title, shown, [[CsvRows.value(row[name]) for name in header] for row in rows], formats
    )


def _matrix(results: CsvRows, rows: Sequence[Row], tests: CsvRows) -> list[Block]:
    """McNemar's tests between the rows: of the seeds the one with the largest p-value."""
    tests.require("row_a", "row_b", "only_a", "only_b", "p_value")
    directory = {row["row"]: row["directory"] for row in results.rows}
    largest: dict[tuple[str, str], Difference] = {}
    for line in tests.rows:
        p_value = tests.number(line, "p_value")
        first, second = (directory.get(line[name], line[name]) for name in ("row_a", "row_b"))
        only_a, only_b = (tests.count(line, name) for name in ("only_a", "only_b"))
        if (first, second) not in largest or p_value > largest[first, second].p_value:
            largest[first, second] = Difference(p_value, only_a, only_b)
            largest[second, first] = Difference(p_value, only_b, only_a)
    places = [row["directory"] for row in rows]
    found = {
        (i, j): largest[places[i], places[j]]
        for i in range(len(places))
        for j in range(i + 1, len(places))
        if (places[i], places[j]) in largest
    }
    title = "McNemar’s test on Hit@1, models of one seed: the largest p-value of the seeds"
    return [Matrix(title, [row["label"] for row in rows], found)] if found else []
