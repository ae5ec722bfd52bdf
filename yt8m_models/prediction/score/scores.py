"""What a submission file scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.prediction.metric_tables import METRICS, class_table, number_or_none


@dataclass(frozen=True)
class Scores:
    """The scores of a submission file.

    Attributes:
        file: its path.
        kind: `videos` or `segments`.
        counts: what was counted, by name.
        metrics: by name.
        classes: ids of the classes that have positives, ascending, `(classes,)`.
        positives: how often each is a label, of the videos or the segments that counted.
        aps: the average precision of each, float64 `(classes,)`.
        remarks: what the file and the records do not have in common, in sentences.
    """

    file: str
    kind: str
    counts: Mapping[str, int]
    metrics: Mapping[str, float]
    classes: np.ndarray
    positives: np.ndarray
    aps: np.ndarray
    remarks: tuple[str, ...]

    def row(self) -> dict[str, str]:
        """A row of the table of this kind of files: the cells by their titles."""
        counts = {name: f"{count:,}" for name, count in self.counts.items()}
        metrics = {METRICS.get(name, name): f"{value:.4f}" for name, value in self.metrics.items()}
        return {"file": self.file, **counts, **metrics}

    def record(self, names: Mapping[int, str]) -> dict[str, Any]:
        """All scores, for JSON; what is not defined is `None`."""
        table = class_table(self.classes, self.positives, self.aps, names)
        return {
            "file": self.file,
            "kind": self.kind,
            **{f"num_{name}": count for name, count in self.counts.items()},
            **{name: number_or_none(value) for name, value in self.metrics.items()},
            "classes": [
                {**row, "average_precision": number_or_none(row["average_precision"])}
                for row in table.to_dict("records")
            ],
        }
