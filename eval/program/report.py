"""What an evaluation leaves: a table, `metrics.json`, `per_class.csv`, TensorBoard scalars."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import tensorflow as tf

from yt8m_models.storage import filesystems
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.scalars import ScalarWriter

METRICS_FILE = "metrics.json"
CLASSES_FILE = "per_class.csv"
COLUMNS = {"loss": "loss", "hit_at_one": "Hit@1", "perr": "PERR", "gap": "GAP", "map": "mAP"}


@dataclass(frozen=True)
class Evaluation:
    """An evaluated checkpoint.

    Attributes:
        step: its step of training.
        checkpoint: its path.
        eval_data_pattern: the records it was evaluated on.
        segment_labels: whether segments were evaluated instead of videos.
        num_videos: how many videos, or segments.
        label_loss: the name of the loss.
        top_k: predictions per video that count in GAP and mAP.
        metrics: the result of `Evaluator.evaluate`.
    """

    step: int
    checkpoint: str
    eval_data_pattern: str
    segment_labels: bool
    num_videos: int
    label_loss: str
    top_k: int
    metrics: Mapping[str, Any]


class Report:
    """Writes evaluations to a directory; the files hold the latest, the scalars all of them.

    Args:
        directory: made where it is missing.
        names: names of classes by their ids, for `per_class.csv`; may lack some.
    """

    def __init__(self, directory: str, names: Mapping[int, str]) -> None:
        self.directory = directory
        self.names = names
        filesystems.require(directory)
        self._summaries: ScalarWriter | None = None

    def write(self, evaluation: Evaluation) -> None:
        """Writes one evaluation.

        Raises:
            OSError: the directory cannot be written.
        """
        metrics = evaluation.metrics
        try:
            tf.io.gfile.makedirs(self.directory)
            write_text(join(self.directory, METRICS_FILE), _json(evaluation))
            write_text(join(self.directory, CLASSES_FILE), _csv(metrics, self.names))
            if self._summaries is None:
                self._summaries = ScalarWriter(self.directory)
            scalars = {f"validation/{name}": metrics[name] for name in COLUMNS}
            self._summaries.write(evaluation.step, scalars)
            self._summaries.flush()
        except tf.errors.OpError as error:
            raise OSError(f"cannot write to {self.directory}: {error.message}") from error


def table(evaluation: Evaluation) -> str:
    """The metrics as a table of two lines."""
    metrics = evaluation.metrics
    unit = "segments" if evaluation.segment_labels else "videos"
    cells = {
        "checkpoint": evaluation.checkpoint,
        unit: f"{evaluation.num_videos:,}",
        **{title: f"{metrics[name]:.4f}" for name, title in COLUMNS.items()},
    }
    widths = [max(len(title), len(cell)) for title, cell in cells.items()]
    lines = []
    for first, *rest in (cells.keys(), cells.values()):
        columns = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *columns]))
    return "\n".join(lines)


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
        if not row["Index"].isdigit():
            raise ValueError(
                f"--vocabulary={vocabulary}, line {rows.line_num}: Index must be a class id; "
                f"received {row['Index']!r}"
            )
        names[int(row["Index"])] = row["Name"]
    return names


def _json(evaluation: Evaluation) -> str:
    """The evaluation with a key for each metric; one that is not defined is `null`."""
    record = {name: value for name, value in vars(evaluation).items() if name != "metrics"}
    for name in COLUMNS:
        value = float(evaluation.metrics[name])
        record[name] = value if math.isfinite(value) else None
    return json.dumps(record, indent=2) + "\n"


def _csv(metrics: Mapping[str, Any], names: Mapping[int, str]) -> str:
    columns = {"positives": metrics["positives"], "average_precision": metrics["aps"]}
    classes = pd.DataFrame(columns).rename_axis("class")
    classes.insert(0, "name", [names.get(label, "") for label in classes.index])
    return str(classes.to_csv(float_format="%.6f", lineterminator="\n"))
