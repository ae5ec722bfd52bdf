"""Metrics in tables and files: what the programs that measure predictions write alike."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from yt8m_models.storage.text_file import read_text

METRICS = {"hit_at_one": "Hit@1", "perr": "PERR", "gap": "GAP", "map": "mAP"}


def class_table(
    classes: Sequence[int] | np.ndarray,
    positives: np.ndarray,
    aps: np.ndarray,
    names: Mapping[int, str],
) -> pd.DataFrame:
    """A row for each class: `class`, `name`, `positives` and `average_precision`.

    Args:
        classes: class ids `(classes,)`.
        positives: how often each is a label.
        aps: average precisions; NaN where it is not defined.
        names: of some classes by their ids.
    """
    columns = {
        "class": classes,
        "name": [names.get(label, "") for label in map(int, classes)],
        "positives": positives,
        "average_precision": aps,
    }
    return pd.DataFrame(columns)


def table_text(table: pd.DataFrame) -> str:
    """Comma-separated values; what is not defined is empty."""
    return str(table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def number_or_none(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return float(value) if math.isfinite(value) else None


def class_names(vocabulary: str) -> dict[int, str]:
    """The names of the classes in a CSV with the columns `Index` and `Name`.

    Raises:
        ValueError: the file lacks a column, or an index is not a class id; the message names the
            file and the line.
        OSError: the file cannot be read.
    """
    try:
        rows = csv.DictReader(io.StringIO(read_text(vocabulary)))
    except (OSError, ValueError) as error:
        raise OSError(f"--vocabulary={error}") from None
    if not {"Index", "Name"} <= set(rows.fieldnames or ()):
        raise ValueError(
            f"--vocabulary={vocabulary} must have the columns Index and Name; "
            f"it has {', '.join(rows.fieldnames or ['none'])}"
        )
    names = {}
    for row in rows:
        if not (row["Index"] or "").isdecimal():
            raise ValueError(
                f"--vocabulary={vocabulary}, line {rows.line_num}: Index must be a class id; "
                f"received {row['Index']!r}"
            )
        names[int(row["Index"])] = row["Name"] or ""
    return names
