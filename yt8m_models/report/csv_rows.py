"""The CSV files that the pages show."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.report.numbers import parsed
from yt8m_models.storage import filesystems
from yt8m_models.storage.text_file import read_text


@dataclass(frozen=True)
class CsvRows:
    """The lines of a file with a header.

    Attributes:
        path: the file.
        header: names of the columns.
        rows: their texts, by the names.
    """

    path: str
    header: Sequence[str]
    rows: Sequence[Mapping[str, str]]

    def number(self, row: Mapping[str, str], column: str) -> float:
        """The number in a column; NaN where the cell is empty or there is no such column.

        Raises:
            ValueError: it is no number; the message names the file.
        """
        text = row.get(column) or "nan"
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{self.path}: {column} must be a number; received {text!r}") from None

    @staticmethod
    def value(text: str) -> str | int | float | None:
        """The number of a cell, or its text; `None` where it is empty or no finite number."""
        value = parsed(text)
        return None if isinstance(value, float) and not math.isfinite(value) else value


def read_rows(path: str, what: str, columns: Sequence[str] = ()) -> CsvRows | None:
    """The rows of a file; `None` where there is none.

    Args:
        path: the file.
        what: a line of it is, for messages.
        columns: that it must have.

    Raises:
        ValueError: it lacks a column or a line is cut; the message names the file and the line.
        OSError: it cannot be read.
    """
    filesystems.require(path)
    if not tf.io.gfile.exists(path):
        return None
    reader = csv.DictReader(read_text(path).splitlines())
    header = list(reader.fieldnames or ())
    missing = [name for name in columns if name not in header]
    if not header or missing:
        raise ValueError(
            f"{path} must have the columns {', '.join(columns)}; it has "
            f"{', '.join(header) or 'none'}"
        )
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"{path}, line {reader.line_num}: not {what}")
        rows.append(row)
    return CsvRows(path, header, rows)
