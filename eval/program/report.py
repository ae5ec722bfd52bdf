"""What an evaluation leaves: a table, `metrics.json`, `per_class.csv`, TensorBoard scalars."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.prediction.metric_tables import METRICS, class_table, number_or_none, table_text
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.scalars import ScalarWriter

METRICS_FILE = "metrics.json"
CLASSES_FILE = "per_class.csv"
COLUMNS = {"loss": "loss", **METRICS}


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


def _json(evaluation: Evaluation) -> str:
    """The evaluation with a key for each metric; one that is not defined is `null`."""
    record = {name: value for name, value in vars(evaluation).items() if name != "metrics"}
    for name in COLUMNS:
        record[name] = number_or_none(evaluation.metrics[name])
    return json.dumps(record, indent=2) + "\n"


def _csv(metrics: Mapping[str, Any], names: Mapping[int, str]) -> str:
    classes = np.arange(len(metrics["aps"]))
    return table_text(class_table(classes, metrics["positives"], metrics["aps"], names))
