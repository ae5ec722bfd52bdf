"""The history of a training as a CSV file that a resumed run continues."""

import csv
import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import write_text

Row = Mapping[str, float | int]
_POINTS_TO_SMOOTH = 40


class History:
    """Rows of numbers, the first of them the step, in a CSV file.

    Args:
        path: the file; it may exist. With `None` nothing is read or written.
        columns: names of the numbers; `step` is among them.
        resumed_step: rows of later steps, which the run that wrote them lost, are left out.
    """

    def __init__(self, path: str | None, columns: tuple[str, ...], resumed_step: int) -> None:
        self.path = path
        self.columns = columns
        rows = read_history(path) if path else []
        missing = dict.fromkeys(columns, math.nan)  # of a file that an earlier version wrote
        self.rows: list[Row] = [{**missing, **row} for row in rows if row["step"] <= resumed_step]
        self._written = 0

    def append(self, row: Row) -> None:
        """Adds a row; `flush` writes it."""
        self.rows.append(row)

    def flush(self) -> None:
        """Writes the rows to the file, which is whole at any moment."""
        if self.path is None or len(self.rows) == self._written:
            return
        rows = ([_format(row[name]) for name in self.columns] for row in self.rows)
        write_text(self.path, csv_text(self.columns, rows))
        self._written = len(self.rows)


def read_history(path: str) -> list[Row]:
    """The rows of a history file; none where there is no file.

    Raises:
        ValueError: the file is not a history; the message names it and the line.
    """
    if not tf.io.gfile.exists(path):
        return []
    lines = list(csv.DictReader(read_text(path).splitlines()))
    rows: list[Row] = []
    for number, line in enumerate(lines, start=2):
        try:
            row = {name: float(value) for name, value in line.items()}
            rows.append({**row, "step": int(row["step"])})
        except (TypeError, ValueError, KeyError):
            raise ValueError(f"{path}, line {number}: not a line of numbers with a step") from None
    return rows


def running_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each value and of those around it, `(rows,)`; none around fewer than 40."""
    reach = len(values) // _POINTS_TO_SMOOTH
    sums = np.concatenate([[0.0], np.cumsum(values)])
    centre = np.arange(len(values))
    first, end = np.maximum(centre - reach, 0), np.minimum(centre + reach + 1, len(values))
    means: np.ndarray = (sums[end] - sums[first]) / (end - first)
    return means


def _format(value: float | int) -> str:
    """The shortest text that gives the same float32 again."""
    return str(value) if isinstance(value, int) else str(np.float32(value))
