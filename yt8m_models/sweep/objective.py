"""What a trial is judged by."""

import csv
import math

from yt8m_models.program.option import closest
from yt8m_models.storage.text_file import read_text
from yt8m_models.sweep.config import MAXIMIZE


def read_objective(path: str, column: str, direction: str) -> float | None:
    """The best finite value of a column of a CSV file; `None` where there is none.

    Raises:
        ValueError: the file has no such column.
        OSError: there is no such file.
    """
    reader = csv.DictReader(read_text(path).splitlines())
    columns = reader.fieldnames or []
    if column not in columns:
        raise ValueError(f"--objective={column} is no column of {path}: {closest(column, columns)}")
    values = [value for row in reader if math.isfinite(value := _number(row[column]))]
    if not values:
        return None
    return max(values) if direction == MAXIMIZE else min(values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
