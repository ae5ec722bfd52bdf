"""Figures that a paper reports, to stand beside those measured here."""

import csv
from collections.abc import Mapping
from pathlib import Path


def read_figures(path: Path) -> Mapping[tuple[str, str], Mapping[str, float]]:
    """The figures of a CSV file with `table`, `row` and a column a metric.

    A metric that is empty in a line is none of the row's.

    Returns:
        By table and row, and by metric.
    """
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return {
        (line.pop("table"), line.pop("row")): {
            metric: float(value) for metric, value in line.items() if value
        }
        for line in lines
    }
