"""Rankings of a batch's predictions, and average precision over them: what the metrics are made of.

Policies that every metric shares, by argument:

- `ties`, the order of equal scores. `"stable"`: the lower class first within a video, the earlier
  video first in a ranking of many videos. `"pessimistic"`: classes that are not labels first, and
  then as above; a model that predicts a constant gains nothing from the order of the classes.
- `empty`, the videos without labels. `"zero"`: they score 0 in Hit@1 and PERR, and their
  predictions count as wrong in GAP and mAP, as in the starter code. `"skip"`: they are left out of
  everything.
- `label_weights` leave the (video, class) pairs of weight 0 out of everything, as if the video had
  no such class; a video without any rated pair is left out with either value of `empty`.
- `empty_classes`, the classes without positives in mAP. `"skip"`: they are left out of the mean.
  `"zero"`: they count as 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

TIES = ("stable", "pessimistic")
EMPTY = ("zero", "skip")
EMPTY_CLASSES = ("skip", "zero")

_COLUMNS_PER_ENTRY = 12


@dataclass(frozen=True)
class Ranking:
    """The best entries of each video of a batch, best first.

    Attributes:
        scores: `(videos, depth)`.
        classes: `(videos, depth)` int.
        hits: `(videos, depth)` bool, whether the class is a label of the video.
        valid: `(videos, depth)` bool, false where a video has fewer rated classes than `depth`.
        num_labels: `(videos,)` labels of each video, in the ranking or not.
        positives: `(num_classes,)` videos with each label, in the ranking or not.
    """

    scores: np.ndarray
    classes: np.ndarray
    hits: np.ndarray
    valid: np.ndarray
    num_labels: np.ndarray
    positives: np.ndarray

    def hit_at_one(self) -> np.ndarray:
        """Whether the best class is a label: `(videos,)` bool."""
        return self.hits[:, 0]

    def perr(self) -> np.ndarray:
        """Precision among as many classes as the video has labels: `(videos,)`, 0 without labels.

        As in the starter code, an entry that is not above 0 is not a retrieved one.
        """
        among_best = np.arange(self.hits.shape[1]) < self.num_labels[:, None]
        retrieved = np.sum(self.hits & among_best & (self.scores > 0), axis=1)
        return np.asarray(retrieved / np.maximum(self.num_labels, 1))

    def top(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores, classes and hits of every video's best `k` entries, each `(entries,)`."""
        valid = self.valid[:, :k]
        return self.scores[:, :k][valid], self.classes[:, :k][valid], self.hits[:, :k][valid]


def rank_videos(
    predictions: Any, labels: Any, label_weights: Any, depth: int, empty: str, ties: str
) -> Ranking:
    """Ranks the classes of each video.

    Args:
        predictions: scores `(batch, num_classes)`; float64 is kept, others are ranked as float32.
        labels: `(batch, num_classes)`; above 0 is a label.
        label_weights: `(batch, num_classes)`; above 0 is rated. `None`: all are.
        depth: entries to rank per video; more where a video has more labels than that.
        empty: see the module.
        ties: see the module.

    Raises:
        ValueError: shapes differ or are not two-dimensional, or a rated prediction is NaN.
    """
    scores = _scores(predictions)
    is_label, is_rated = _above_zero("labels", labels, scores), None
    if label_weights is not None:
        is_rated = _above_zero("label_weights", label_weights, scores)
        is_label = is_label & is_rated
        scores = np.where(is_rated, scores, -np.inf).astype(scores.dtype, copy=False)

    num_videos, num_classes = scores.shape
    label_rows, label_classes = np.divmod(np.flatnonzero(is_label), num_classes)
    num_labels = np.bincount(label_rows, minlength=num_videos)
    depth = min(max(depth, num_labels.max(initial=0)), num_classes)
    entries = _candidates(scores, is_rated, depth)
    candidate_scores = scores.ravel()[entries]
    if np.isnan(candidate_scores).any():
        video, label = np.argwhere(np.isnan(scores))[0]
        raise ValueError(f"predictions must not be NaN; received NaN in row {video}, class {label}")
    counts = np.bincount(entries // num_classes, minlength=num_videos)

    # Sort a table with a row for each video. Padding loses every tie, so it stays at the row's end.
    width = max(depth, counts.max(initial=0))
    in_table = np.arange(width) < counts[:, None]
    score_table = np.full(in_table.shape, -np.inf, scores.dtype)
    score_table[in_table] = candidate_scores
    hit_table = np.ones(in_table.shape, bool)
    hit_table[in_table] = is_label.ravel()[entries]
    class_table = np.zeros(in_table.shape, np.int64)
    class_table[in_table] = entries % num_classes
    keys = (hit_table, -score_table) if ties == "pessimistic" else (-score_table,)
    order = np.lexsort(keys)[:, :depth] + width * np.arange(num_videos)[:, None]

    counted = np.flatnonzero(num_labels if empty == "skip" else counts)
    order, valid = order[counted], in_table[counted, :depth]
    return Ranking(
        scores=score_table.ravel()[order],
        classes=class_table.ravel()[order],
        hits=hit_table.ravel()[order] & valid,
        valid=valid,
        num_labels=num_labels[counted],
        positives=np.bincount(label_classes, minlength=num_classes),
    )


def best_first(scores: np.ndarray, hits: np.ndarray, ties: str) -> np.ndarray:
    """Indices that sort many entries `(entries,)` by falling score, equal scores by the policy.

    A radix sort: NumPy's stable sort of 16-bit integers is one, and several times as fast as that
    of floating-point numbers.
    """
    rising = 0 - scores  # and no -0.0, whose bits differ from those of 0.0
    bits = rising.view(f"u{rising.itemsize}")
    num_bits = 8 * rising.itemsize
    keys = np.where(rising < 0, ~bits, bits | bits.dtype.type(1 << (num_bits - 1)))
    order = np.argsort(hits, kind="stable") if ties == "pessimistic" else np.arange(len(scores))
    for shift in range(0, num_bits, 16):
        digits = (keys >> bits.dtype.type(shift)).astype(np.uint16)
        order = order[np.argsort(digits[order], kind="stable")]
    return order


class RunningPrecision:
    """Average precision of many groups' rankings, from entries that come in parts, best first.

    ```
    AP = Σ over hits of (hits down to here / rank) / min(positives, top_n)
    ```

    Args:
        num_groups: groups are below it.
        top_n: entries of each group to look at; all if not given.
    """

    def __init__(self, num_groups: int, top_n: int | None = None) -> None:
        self._top_n = top_n
        self._sums = np.zeros(num_groups)
        self._entries = np.zeros(num_groups, np.int64)
        self._hits = np.zeros(num_groups, np.int64)

    def add(self, hits: np.ndarray, groups: np.ndarray) -> None:
        """Adds the next entries: `(entries,)` bool, whether it is a hit, and int, its group."""
        num_groups = len(self._sums)
        by_group = np.argsort(groups, kind="stable")
        found = np.flatnonzero(hits[by_group])
        group = groups[by_group[found]]
        entries = np.bincount(groups, minlength=num_groups)
        num_found = np.bincount(group, minlength=num_groups)
        rank = 1 + found + (self._entries - _starts(entries))[group]
        nth_hit = 1 + np.arange(len(found)) + (self._hits - _starts(num_found))[group]
        precision = nth_hit / rank
        if self._top_n is not None:
            precision[rank > self._top_n] = 0
        self._sums += np.bincount(group, weights=precision, minlength=num_groups)
        self._entries += entries
        self._hits += num_found

    def average(self, positives: np.ndarray) -> np.ndarray:
        """`(num_groups,)` float64, of groups with so many positives; NaN for those without."""
        if self._top_n is not None:
            positives = np.minimum(positives, self._top_n)
        averages = np.full(len(self._sums), np.nan)
        np.divide(self._sums, positives, out=averages, where=positives > 0)
        return averages


def _scores(predictions: Any) -> np.ndarray:
    """The predictions as float32 or float64 `(batch, num_classes)`."""
    scores = np.asarray(predictions)
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(
            f"predictions must have the shape (batch, num_classes); received {scores.shape}"
        )
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float32)
    return scores


def _above_zero(name: str, values: Any, scores: np.ndarray) -> np.ndarray:
    """Which entries of labels or weights are above 0, `(batch, num_classes)` bool."""
    values = np.asarray(values)
    if values.shape != scores.shape:
        raise ValueError(
            f"{name} must have the shape of predictions, {scores.shape}; received {values.shape}"
        )
    return np.asarray(values if values.dtype == bool else values > 0)


def _candidates(scores: np.ndarray, is_rated: np.ndarray | None, depth: int) -> np.ndarray:
    """Flat indices, ascending, of each video's `depth` best entries, their ties, and a few more.

    Every NaN is among them.

    The classes are dealt out to columns. The `depth`-th largest of the columns' maxima is at most
    the video's `depth`-th largest score, and close to it where the columns are many more than
    `depth`: few scores reach it, and only those need sorting.
    """
    num_columns = _COLUMNS_PER_ENTRY * depth
    rows = scores.shape[1] // num_columns
    if rows < 2:
        return np.arange(scores.size) if is_rated is None else np.flatnonzero(is_rated)
    dealt = rows * num_columns
    maxima = scores[:, :dealt].reshape(-1, rows, num_columns).max(axis=1)
    bound = np.partition(maxima, -depth, axis=1)[:, -depth, None]
    is_below = np.empty(scores.shape, bool)
    for part in (np.s_[:, :dealt], np.s_[:, dealt:]):  # NumPy 2 is slower with the whole
        np.less(scores[part], bound, out=is_below[part])
    is_candidate = np.logical_not(is_below, out=is_below)
    return np.flatnonzero(is_candidate if is_rated is None else is_candidate & is_rated)


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Where each of consecutive groups of these sizes starts."""
    return np.asarray(np.cumsum(sizes) - sizes)
