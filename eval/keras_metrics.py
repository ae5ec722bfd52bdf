"""Hit@1, PERR, GAP and mAP as Keras metrics, for `model.compile(metrics=[...])`, on every backend.

The definitions are those of `eval.metrics` with its default policies. `HitAtOne` and `PERR` are
exact. `GAP` and `MAP` would have to keep every prediction; instead they count the `top_k` best
entries of each video in bins of the score, so that their state has a fixed size and an update is a
few tensor operations. Use `eval.evaluation_metrics.EvaluationMetrics` for figures to report.

`sample_weight` (with `weighted_metrics`) leaves out what has weight 0 and does not weigh
otherwise: of shape `(batch,)` it takes videos, of shape `(batch, num_classes)` (video, class)
pairs, as `label_weights` do.
"""

from typing import Any

import keras
from keras import ops

from eval.checks import check_positive

_LARGEST_LOGIT = 16.0


class _MeanOverVideos(keras.metrics.Mean):
    """The mean over videos of a value that a subclass's `values` gives for each."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32")

    def values(self, labels: Any, scores: Any) -> Any:
        """The values of the videos, `(batch,)`; the score of an unrated pair is -1."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels, scores, is_rated = _inputs(y_true, y_pred, sample_weight)
        super().update_state(self.values(labels, scores), ops.any(is_rated, axis=-1))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


@keras.saving.register_keras_serializable(package="yt8m_models")
class HitAtOne(_MeanOverVideos):
    """The share of videos whose best class is a label.

    Example:
        >>> model.compile(loss=CrossEntropyLoss(), metrics=[HitAtOne(), GAP()])
    """

    def __init__(self, name: str = "hit_at_one") -> None:
        super().__init__(name)

    def values(self, labels: Any, scores: Any) -> Any:
        best = ops.argmax(scores, axis=-1)
        return ops.take_along_axis(labels, ops.expand_dims(best, -1), axis=-1)[:, 0]


@keras.saving.register_keras_serializable(package="yt8m_models")
class PERR(_MeanOverVideos):
    """Precision at equal recall rate: that of a video's n best classes, n the number of its labels.

    It sorts all classes of each video.
    """

    def __init__(self, name: str = "perr") -> None:
        super().__init__(name)

    def values(self, labels: Any, scores: Any) -> Any:
        num_classes = scores.shape[-1]
        best_scores, best = ops.top_k(scores, num_classes)
        num_labels = ops.sum(labels, axis=-1, keepdims=True)
        is_retrieved = (ops.arange(num_classes, dtype="float32") < num_labels) & (best_scores > 0)
        hits = ops.take_along_axis(labels, best, axis=-1) * ops.cast(is_retrieved, "float32")
        return ops.divide_no_nan(ops.sum(hits, axis=-1), num_labels[:, 0])


class _BinnedAveragePrecision(keras.metrics.Metric):
    """Mean of rankings' average precision, from counts of entries and hits by bins of the score.

    There is one ranking for each class, or one of all entries where `num_classes` is not given.

    The bins have equal widths in the logit of the score, from -16 to 16. Within a bin the order of
    the entries is not known: all its hits take the precision at the middle of the bin,

    ```
    (hits above + (hits + 1) / 2) / (entries above + (entries + 1) / 2)
    ```

    which is exact for a bin of one entry. The error falls with the width of the bins.
    """

    def __init__(self, name: str, num_classes: int | None, top_k: int, num_bins: int) -> None:
        self.num_rankings = 1 if num_classes is None else num_classes
        check_positive("num_classes", self.num_rankings)
        check_positive("top_k", top_k)
        check_positive("num_bins", num_bins)
        super().__init__(name=name, dtype="float32")
        self.num_classes = num_classes
        self.top_k = top_k
        self.num_bins = num_bins
        shape = (self.num_rankings, num_bins)
        self.entries = self.add_weight(name="entries", shape=shape, initializer="zeros")
        self.hits = self.add_weight(name="hits", shape=shape, initializer="zeros")
        self.positives = self.add_weight(name="positives", shape=shape[:1], initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels, scores, _ = _inputs(y_true, y_pred, sample_weight)
        if self.num_classes not in (None, scores.shape[-1]):
            raise ValueError(
                f"predictions must have num_classes = {self.num_classes} columns; "
                f"received {scores.shape[-1]}"
            )
        self.positives.assign_add(ops.sum(ops.reshape(labels, (-1, self.num_rankings)), axis=0))
        best_scores, best = ops.top_k(scores, min(self.top_k, scores.shape[-1]))
        is_valid = ops.cast(best_scores >= 0, "float32")
        is_hit = ops.take_along_axis(labels, best, axis=-1)

        probability = ops.clip(best_scores, 1e-7, 1 - 1e-7)
        logit = ops.log(probability) - ops.log1p(-probability)
        place = (_LARGEST_LOGIT - logit) / (2 * _LARGEST_LOGIT)  # 0 for the best score
        bins = ops.clip(ops.cast(place * self.num_bins, "int32"), 0, self.num_bins - 1)
        rankings = ops.cast(best, "int32") % self.num_rankings
        cells = ops.reshape(rankings * self.num_bins + bins, (-1,))
        for counts, values in ((self.entries, is_valid), (self.hits, is_hit)):
            num_cells = counts.shape[0] * counts.shape[1]
            added = ops.segment_sum(ops.reshape(values, (-1,)), cells, num_segments=num_cells)
            counts.assign_add(ops.reshape(added, counts.shape))

    def result(self) -> Any:
        entries, hits = ops.convert_to_tensor(self.entries), ops.convert_to_tensor(self.hits)
        entries_above = ops.cumsum(entries, axis=-1) - entries
        hits_above = ops.cumsum(hits, axis=-1) - hits
        precision = (hits_above + (hits + 1) / 2) / (entries_above + (entries + 1) / 2)
        averages = ops.divide_no_nan(ops.sum(hits * precision, axis=-1), self.positives)
        num_with_positives = ops.sum(ops.cast(self.positives > 0, "float32"))
        return ops.divide_no_nan(ops.sum(averages), num_with_positives)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "top_k": self.top_k, "num_bins": self.num_bins}


@keras.saving.register_keras_serializable(package="yt8m_models")
class GAP(_BinnedAveragePrecision):
    """Global average precision at k, from counts of scores in bins.

    Predictions must be probabilities. With the default bins the error was 5e-6 on 1,024 videos of
    3,862 classes; it is larger where many scores are equal, which count as in no particular order.

    Args:
        top_k: entries of each video that count.
        num_bins: bins of the score; the state has `2 num_bins + 1` numbers.
        name: name of the metric.

    Raises:
        ValueError: `top_k` or `num_bins` is below 1.
    """

    def __init__(self, top_k: int = 20, num_bins: int = 16384, name: str = "gap") -> None:
        super().__init__(name, None, top_k, num_bins)


@keras.saving.register_keras_serializable(package="yt8m_models")
class MAP(_BinnedAveragePrecision):
    """Mean average precision over classes with positives, from counts of scores in bins.

    Predictions must be probabilities. With the default bins the error was 0.0015 on 1,024 videos of
    3,862 classes; it is larger where many scores of a class are equal.

    Args:
        num_classes: number of classes.
        top_k: entries of each video that count.
        num_bins: bins of the score; the state has `num_classes (2 num_bins + 1)` numbers.
        name: name of the metric.

    Raises:
        ValueError: `top_k`, `num_bins` or `num_classes` is below 1.
    """

    def __init__(
        self, num_classes: int, top_k: int = 20, num_bins: int = 512, name: str = "map"
    ) -> None:
        super().__init__(name, num_classes, top_k, num_bins)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}


def _inputs(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Labels 0 or 1, scores with -1 for unrated pairs, and which pairs are rated.

    All of shape `(batch, num_classes)`; labels of unrated pairs are 0.
    """
    scores = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    labels = ops.cast(ops.convert_to_tensor(y_true), "float32")
    if len(labels.shape) != 2 or labels.shape[-1] != scores.shape[-1]:
        raise ValueError(
            "labels and predictions must both have the shape (batch, num_classes); "
            f"received {tuple(labels.shape)} and {tuple(scores.shape)}"
        )
    is_rated = ops.ones_like(scores, dtype="bool")
    if sample_weight is not None:
        weights = ops.convert_to_tensor(sample_weight)
        if len(weights.shape) == 1:
            weights = ops.expand_dims(weights, -1)
        is_rated = ops.broadcast_to(weights > 0, ops.shape(scores))
    labels = ops.cast((labels > 0) & is_rated, "float32")
    return labels, ops.where(is_rated, scores, -1.0), is_rated
