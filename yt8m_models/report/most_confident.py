"""The videos that a model is most certain of, rightly and wrongly."""

import heapq
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

_SHOWN = 3


class Example(NamedTuple):
    """A video, or a rated segment of one.

    Attributes:
        video_id: its id.
        best: its best classes with their predictions, best first.
        labels: its labels with their predictions, best first.
    """

    video_id: bytes
    best: list[tuple[int, float]]
    labels: list[tuple[int, float]]

    @property
    def score(self) -> float:
        """The prediction of the best class."""
        return self.best[0][1]

    @property
    def is_hit(self) -> bool:
        """Whether the best class is a label."""
        return self.best[0][0] in {label for label, _ in self.labels}


class MostConfident:
    """Keeps the hits and the mistakes whose best class has the highest predictions.

    A video is a hit where its best class is a label (the lower class of equal ones), as in Hit@1.
    Videos without labels are neither. Of equal predictions the earlier video's is higher.

    Args:
        limit: hits, and mistakes, to keep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: dict[bool, list[tuple[float, int, Example]]] = {True: [], False: []}
        self._num_videos = 0

    @property
    def hits(self) -> list[Example]:
        """Highest prediction first."""
        return self._best_first(True)

    @property
    def mistakes(self) -> list[Example]:
        """Highest prediction first."""
        return self._best_first(False)

    def add(self, batch: Mapping[str, np.ndarray], predictions: np.ndarray) -> None:
        """Adds a batch.

        Args:
            batch: `video_ids` `(batch,)`, `labels` bool `(batch, num_classes)`, and where only some
                classes are rated, `label_weights` of the same shape, above 0 for those.
            predictions: `(batch, num_classes)`.
        """
        labels = np.asarray(batch["labels"], bool)
        scores = np.asarray(predictions, np.float64)
        if "label_weights" in batch:
            is_rated = np.asarray(batch["label_weights"]) > 0
            scores, labels = np.where(is_rated, scores, -np.inf), labels & is_rated
        best_scores = scores.max(axis=1)
        for row in np.flatnonzero(labels.any(axis=1)).tolist():
            key = float(best_scores[row]), -self._num_videos - row
            self._offer(key, batch["video_ids"][row], scores[row], labels[row])
        self._num_videos += len(labels)

    def _offer(
        self, key: tuple[float, int], video_id: bytes, scores: np.ndarray, labels: np.ndarray
    ) -> None:
        heap = self._kept[bool(labels[scores.argmax()])]
        if len(heap) == self._limit and key < heap[0][:2]:
            return
        best = np.argsort(-scores, kind="stable")[:_SHOWN]
        of_labels = np.flatnonzero(labels)
        of_labels = of_labels[np.argsort(-scores[of_labels], kind="stable")]
        example = Example(
            bytes(video_id),
            [(int(label), float(scores[label])) for label in best if np.isfinite(scores[label])],
            [(int(label), float(scores[label])) for label in of_labels],
        )
        heapq.heappush(heap, (*key, example))
        if len(heap) > self._limit:
            heapq.heappop(heap)

    def _best_first(self, is_hit: bool) -> list[Example]:
        return [example for _, _, example in sorted(self._kept[is_hit], reverse=True)]
