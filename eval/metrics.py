"""Hit@1, PERR, GAP and mAP of YouTube-8M: pure functions, and `EvaluationMetrics` for many batches.

All take predictions and labels `(videos, num_classes)` and optional `label_weights` of the same
shape, and raise `ValueError` where shapes differ or a rated prediction is NaN. The policies for
equal scores (`ties`), videos without labels (`empty`), classes without positives (`empty_classes`)
and unrated pairs are those of `eval.ranking`. Over no videos every metric is NaN.

    gap(predictions, labels, top_k=20)
    mean_average_precision(predictions, labels)
"""

from typing import Any

import numpy as np

from eval.checks import check_choice
from eval.evaluation_metrics import EvaluationMetrics
from eval.ranking import (
    EMPTY_CLASSES,
    average_precisions,
    best_first,
    mean_over_classes,
    pooled_average_precision,
    rank_videos,
)

__all__ = [
    "EvaluationMetrics",
    "average_precision_per_class",
    "gap",
    "hit_at_one",
    "mean_average_precision",
    "perr",
]


def hit_at_one(
    predictions: Any,
    labels: Any,
    label_weights: Any = None,
    *,
    empty: str = "zero",
    ties: str = "stable",
) -> float:
    """The share of videos whose best class is a label."""
    ranking = rank_videos(predictions, labels, label_weights, depth=1, empty=empty, ties=ties)
    return _mean(ranking.hit_at_one())


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
    ranking = rank_videos(predictions, labels, label_weights, depth=1, empty=empty, ties=ties)
    return _mean(ranking.perr())


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
    ranking = rank_videos(predictions, labels, label_weights, depth=top_k, empty=empty, ties=ties)
    scores, _, hits = ranking.top(top_k)
    if not len(ranking.hits):
        return float("nan")
    return pooled_average_precision(hits[best_first(scores, hits, ties)], ranking.positives.sum())


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
        predictions: `(videos, num_classes)`.
        labels: `(videos, num_classes)`.
        top_k: only the `top_k` best entries of each video are ranked; all unless given.
        label_weights: `(videos, num_classes)`.
        top_n: only the first `top_n` videos of each ranking count, and at most as many positives:
            AP at n.
        empty: see `eval.ranking`.
        ties: see `eval.ranking`.

    Returns:
        `(num_classes,)` float64.
    """
    depth = np.shape(predictions)[-1] if top_k is None else top_k
    ranking = rank_videos(predictions, labels, label_weights, depth=depth, empty=empty, ties=ties)
    scores, classes, hits = ranking.top(depth)
    order = best_first(scores, hits, ties)
    return average_precisions(hits[order], classes[order], ranking.positives, top_n)


def mean_average_precision(
    predictions: Any, labels: Any, *others: Any, empty_classes: str = "skip", **policies: Any
) -> float:
    """Mean over classes of `average_precision_per_class`, whose arguments the others are."""
    check_choice("empty_classes", empty_classes, EMPTY_CLASSES)
    aps = average_precision_per_class(predictions, labels, *others, **policies)
    return mean_over_classes(aps, empty_classes)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
