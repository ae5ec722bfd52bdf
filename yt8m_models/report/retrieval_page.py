"""The page of an evaluation of retrieval."""

import math
from collections.abc import Mapping

from yt8m_models.report.csv_rows import CsvRows, read_rows
from yt8m_models.report.page import Page
from yt8m_models.report.section import Block, Section
from yt8m_models.report.spread_chart import Spread, SpreadChart
from yt8m_models.report.table import Table
from yt8m_models.storage.whole_file import join

_RESULTS = "results.csv"
_COLUMNS = ("embedding", "bits", "direction", "ndcg", "map")
_DIRECTIONS = {
    "T2E": "Evaluation videos for training videos",
    "E2T": "Training videos for evaluation videos",
}
_TITLES = {"ndcg": "NDCG", "map": "MAP"}


def retrieval_page(directory: str) -> Page:
    """The page of a directory that `yt8m evaluate-retrieval` has written.

    Raises:
        ValueError: the directory has no `results.csv`, or it is damaged.
        OSError: it cannot be read.
    """
    results = read_rows(join(directory, _RESULTS), "a line of yt8m evaluate-retrieval", _COLUMNS)
    if results is None:
        raise ValueError(f"no {_RESULTS} in --retrieval_dir={directory}")
    sections = []
    for direction in dict.fromkeys(row["direction"] for row in results.rows):
        rows = [row for row in results.rows if row["direction"] == direction]
        charts: list[Block] = []
        for metric, title in _TITLES.items():
            spreads = [
                Spread(_label(row), value)
                for row in rows
                if math.isfinite(value := results.number(row, metric))
            ]
            charts += [SpreadChart(title, spreads)] if spreads else []
        name = _DIRECTIONS.get(direction)
        sections.append(Section(f"{name} ({direction})" if name else direction, charts))
    values = [[CsvRows.value(row[name]) for name in results.header] for row in results.rows]
    header = [
        _TITLES.get(name, name.removeprefix("num_").replace("_", " ")) for name in results.header
    ]
    table = Table("What was measured", header, values, dict.fromkeys(_TITLES.values(), ".4f"))
    sections.append(Section("All measures", [table]))
    return Page(
        "Cold-start retrieval", directory.rstrip("/").rpartition("/")[2], directory, sections
    )


def _label(row: Mapping[str, str]) -> str:
    return f"{row['embedding']} · {row['bits']} bits"
