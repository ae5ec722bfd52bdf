"""Hit@1, PERR, GAP and mAP of YouTube-8M as pure functions: `EvaluationMetrics` of one batch.

All take predictions and labels `(videos, num_classes)` and optional `label_weights` of the same
shape, and raise `ValueError` where shapes differ or a rated prediction is NaN. The policies for
equal scores (`ties`), videos without labels (`empty`), classes without positives (`empty_classes`)
and unrated pairs are those of `eval.ranking`. Over no videos every metric is NaN.

    gap(predictions, labels, top_k=20)
    mean_average_precision(predictions, labels)
"""

from typing import Any

import numpy as np

from eval.evaluation_metrics import EvaluationMetrics


def hit_at_one(
    predictions: Any,
    labels: Any,
    label_weights: Any = None,
    *,
    empty: str = "zero",
    ties: str = "stable",
) -> float:
    """The share of videos whose best class is a label."""
    result = _result(predictions, labels, 1, label_weights, empty=empty, ties=ties)
    return float(result["hit_at_one"])


def perr(
    predictions: Any,
    labels: Any,
    label_weights: Any = None,
    *,
    empty: str = "zero",
    ties: str = "stable",
) -> float:
    """Precision at equal recall rate: the precision among a video's n best classes, n its labels.

    Averaged over videos. As in the starter code, an entry that is not above 0 is never a hit.
    """
    result = _result(predictions, labels, 1, label_weights, empty=empty, ties=ties)
    return float(result["perr"])


def gap(
    predictions: Any,
    labels: Any,
    top_k: int = 20,
    label_weights: Any = None,
    *,
    empty: str = "zero",
    ties: str = "stable",
) -> float:
    """Global average precision: average precision of every video's `top_k` best entries, pooled.

    Positives are counted over all labels, so that with a small `top_k` even perfect predictions can
    score below 1. Without any label it is 0.
    """
    result = _result(predictions, labels, top_k, label_weights, empty=empty, ties=ties)
    return float(result["gap"])


def average_precision_per_class(
    predictions: Any,
    labels: Any,
    top_k: int | None = None,
    label_weights: Any = None,
    *,
    top_n: int | None = None,
    empty: str = "zero",
    ties: str = "stable",
) -> np.ndarray:
    """Average precision of each class's ranking of the videos; NaN for classes without positives.

    Args:
        predictions, labels, label_weights, empty, ties: see the module.
        top_k: only the `top_k` best entries of each video are ranked; all unless given.
        top_n: entries of each class's ranking that count, for AP at n; all unless given.

    Returns:
        `(num_classes,)` float64.
    """
    policies = {"top_n": top_n, "empty": empty, "ties": ties}
    return np.asarray(_result(predictions, labels, top_k, label_weights, **policies)["aps"])


def mean_average_precision(
    predictions: Any,
    labels: Any,
    top_k: int | None = None,
    label_weights: Any = None,
    *,
    top_n: int | None = None,
    empty: str = "zero",
    empty_classes: str = "skip",
    ties: str = "stable",
) -> float:
    """Mean over classes of `average_precision_per_class`."""
    policies = {"top_n": top_n, "empty": empty, "empty_classes": empty_classes, "ties": ties}
    return float(_result(predictions, labels, top_k, label_weights, **policies)["map"])


def _result(
    predictions: Any, labels: Any, top_k: int | None, label_weights: Any, **policies: Any
) -> dict[str, Any]:
    num_classes = np.atleast_1d(predictions).shape[-1]
    metrics = EvaluationMetrics(num_classes, num_classes if top_k is None else top_k, **policies)
    metrics.update(predictions, labels, label_weights)
    return metrics.result()
