"""The metrics of YouTube-8M, accumulated batch by batch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eval.checks import check_choice, check_positive
from eval.entries import Entries
from eval.ranking import EMPTY, EMPTY_CLASSES, TIES, Ranking, RunningPrecision, rank_videos


class EvaluationMetrics:
    """Hit@1, PERR, GAP and mAP over batches, as the YouTube-8M starter code defines them.

    GAP pools the `top_k` best entries of every video into one ranking; mAP splits the same entries
    by class and averages the classes' average precision. Positives are counted over all labels,
    also those that are not among a video's best entries.

    The entries of some 50,000 videos are held in memory, 7 bytes each (11 for float64 predictions),
    and those of more in a temporary file; `result` sorts them once for GAP and mAP.

    Args:
        num_classes: number of classes.
        top_k: entries of each video that count in GAP and mAP.
        top_n: entries of each class's ranking that count in mAP, for AP at n; all if not given.
        empty: videos without labels: `"zero"` or `"skip"`, see `eval.ranking`.
        empty_classes: classes without positives: `"skip"` or `"zero"`, see `eval.ranking`.
        ties: order of equal scores: `"stable"` or `"pessimistic"`, see `eval.ranking`.

    Attributes:
        positives: rated labels of each class so far, `(num_classes,)`.

    Raises:
        ValueError: a number is below 1 or a policy is unknown.

    Example:
        >>> metrics = EvaluationMetrics(num_classes=3862)
        >>> for predictions, labels in batches:
        ...     metrics.update(predictions, labels)
        >>> metrics.result()["gap"]
    """

    def __init__(
        self,
        num_classes: int,
        top_k: int = 20,
        *,
        top_n: int | None = None,
        empty: str = "zero",
        empty_classes: str = "skip",
        ties: str = "stable",
    ) -> None:
        for name, number in (("num_classes", num_classes), ("top_k", top_k)):
            check_positive(name, number)
        if top_n is not None:
            check_positive("top_n", top_n)
        check_choice("empty", empty, EMPTY)
        check_choice("empty_classes", empty_classes, EMPTY_CLASSES)
        check_choice("ties", ties, TIES)
        self.num_classes = num_classes
        self.top_k = top_k
        self.top_n = top_n
        self.empty = empty
        self.empty_classes = empty_classes
        self.ties = ties
        self.reset()

    def reset(self) -> None:
        """Forgets all videos."""
        self._num_videos = 0
        self._hits_at_one = 0.0
        self._perr = 0.0
        self.positives = np.zeros(self.num_classes, np.int64)
        self._entries = Entries(self.num_classes)

    def update(self, predictions: Any, labels: Any, label_weights: Any = None) -> None:
        """Adds a batch.

        Args:
            predictions: scores `(batch, num_classes)`.
            labels: `(batch, num_classes)`; above 0 is a label.
            label_weights: `(batch, num_classes)`; above 0 is rated. All are rated if not given.

        Raises:
            ValueError: shapes differ from each other or from `num_classes`, or a rated prediction
                is NaN.
        """
        ranking = rank_videos(predictions, labels, label_weights, self.top_k, self.empty, self.ties)
        if len(ranking.positives) != self.num_classes:
            raise ValueError(
                f"predictions must have num_classes = {self.num_classes} columns; "
                f"received {len(ranking.positives)}"
            )
        self.add(ranking)

    def add(self, ranking: Ranking) -> None:
        """Adds videos that are ranked already, at least their `top_k` best entries.

        Args:
            ranking: of classes below `num_classes`, ties and empty videos as it has them.
        """
        self._num_videos += len(ranking.hits)
        self._hits_at_one += float(ranking.hit_at_one().sum())
        self._perr += float(ranking.perr().sum())
        self.positives += ranking.positives
        self._entries.add(*ranking.top(self.top_k))

    def merge(self, other: "EvaluationMetrics") -> None:
        """Adds all videos of other metrics behind those that are here.

        The result is that of one pass over both, to the bit, but for sums of floating-point numbers
        in another order: PERR, and GAP and mAP where there are too many entries for the memory.

        Raises:
            ValueError: the other metrics are these, or have other settings.
        """
        if other is self:
            raise ValueError("metrics must be merged with others; received the same")
        for name in ("num_classes", "top_k", "top_n", "empty", "empty_classes", "ties"):
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                raise ValueError(f"merged metrics must have {name} = {here}; received {there}")
        self._add_counts(other._counts(), other.positives)
        for chunk in other._entries.chunks():
            self._entries.add_chunk(chunk)

    def state(self) -> dict[str, np.ndarray]:
        """All that is known of the videos, as arrays: `add_state` of other metrics takes them in.

        Every entry is in memory then.
        """
        entries = np.concatenate(list(self._entries.chunks()))
        return {"counts": self._counts(), "positives": self.positives, "entries": entries}

    def add_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Adds the videos of which `state` tells, as `merge` does."""
        self._add_counts(state["counts"], state["positives"])
        self._entries.add_chunk(state["entries"])

    def result(self) -> dict[str, Any]:
        """The metrics of all videos so far.

        Returns:
            `hit_at_one`, `perr`, `gap`, `map` (floats), `aps` (`(num_classes,)` average precisions,
            NaN for classes without positives) and `num_videos`, the videos that counted. Without
            any video every metric is NaN; without any label GAP is 0, and mAP is NaN or, with
            `empty_classes="zero"`, 0.
        """
        pooled = RunningPrecision(1)
        by_class = RunningPrecision(self.num_classes, self.top_n)
        for classes, hits in self._entries.best_first(self.ties):
            pooled.add(hits, np.zeros(len(hits), np.uint8))
            by_class.add(hits, classes)
        aps = by_class.average(self.positives)
        if not self._num_videos:
            metrics = dict.fromkeys(("hit_at_one", "perr", "gap", "map"), float("nan"))
        else:
            (gap,) = pooled.average(self.positives.sum(keepdims=True))
            known = aps[~np.isnan(aps)]
            num_counted = len(known) if self.empty_classes == "skip" else len(aps)
            metrics = {
                "hit_at_one": self._hits_at_one / self._num_videos,
                "perr": self._perr / self._num_videos,
                "gap": float(np.nan_to_num(gap)),
                "map": float(known.sum() / num_counted) if num_counted else float("nan"),
            }
        return {**metrics, "aps": aps, "num_videos": self._num_videos}

    def _counts(self) -> np.ndarray:
        return np.array([self._num_videos, self._hits_at_one, self._perr])

    def _add_counts(self, counts: np.ndarray, positives: np.ndarray) -> None:
        self._num_videos += int(counts[0])
        self._hits_at_one += float(counts[1])
        self._perr += float(counts[2])
        self.positives += positives
