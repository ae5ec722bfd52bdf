"""What annotation models are validated by."""

import numpy as np

from eval.retrieval import average_precision, mean_over_queries
from yt8m_models.data.parsing import Batch
from yt8m_models.training.classifier_measure import METRICS, ClassifierMeasure
from yt8m_models.training.history import Row

VIDEO_MAP = "video_map"


class AnnotationMeasure(ClassifierMeasure):
    """The loss and the metrics of a classifier, and the paper's MAP: that of videos.

    `MAP = 1/|Q| Σ_q Σ_k P_q(k) Δr(k)` over the videos q with a label, each of which ranks all
    classes; classes of equal score share their places.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    equation 4 and section 4.3.2.
    """

    columns = ("epoch", *METRICS, VIDEO_MAP, "num_videos")

    def __call__(self) -> Row:
        values: list[np.ndarray] = []

        def observe(batch: Batch, predictions: np.ndarray) -> None:
            values.append(average_precision(batch["labels"].numpy(), predictions))

        row = self.measured(observe)
        return {**row, VIDEO_MAP: mean_over_queries(np.concatenate(values))}

    def describe(self, row: Row) -> str:
        return f"{super().describe(row)}  MAP {row[VIDEO_MAP]:.4f}"
