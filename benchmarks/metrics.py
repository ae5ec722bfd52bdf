"""Streaming metrics against a plain Python loop over videos with heaps, as in the starter code."""

import heapq
import numbers
import pathlib
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.timing import in_turn
from eval.evaluation_metrics import EvaluationMetrics

_NUM_CLASSES = 3862
_BATCH_SIZE = 128
_NUM_BATCHES = 8
_TOP_K = 20
_REPETITIONS = 7
_RUNS_PER_REPETITION = 5
_LABELS_PER_VIDEO = 3


class LoopMetrics:
    """The same metrics as a plain Python program of the starter code's structure.

    It loops over the videos, puts their best entries into lists by class, and pushes these onto a
    heap for each class and one for all, with the starter code's checks of what is pushed.
    """

    def __init__(self, num_classes: int, top_k: int) -> None:
        self.top_k = top_k
        self.num_videos = 0
        self.hits_at_one = 0.0
        self.perr = 0.0
        self.pooled = _Heap()
        self.by_class = [_Heap() for _ in range(num_classes)]

    def update(self, predictions: np.ndarray, labels: np.ndarray) -> None:
        class_scores: list[list[float]] = [[] for _ in self.by_class]
        class_hits: list[list[bool]] = [[] for _ in self.by_class]
        for scores, is_label in zip(predictions, labels, strict=True):
            self.num_videos += 1
            self.hits_at_one += is_label[np.argmax(scores)]
            num_labels = int(np.sum(is_label))
            if num_labels:
                best = np.argpartition(scores, -num_labels)[-num_labels:]
                self.perr += sum(is_label[c] for c in best if scores[c] > 0) / num_labels
            for c in np.argpartition(scores, -self.top_k)[-self.top_k :]:
                class_scores[c].append(scores[c])
                class_hits[c].append(is_label[c])
        positives = [np.sum(labels[:, c]) for c in range(len(self.by_class))]
        for c, heap in enumerate(self.by_class):
            heap.push(class_scores[c], class_hits[c], positives[c])
        self.pooled.push(_flatten(class_scores), _flatten(class_hits), sum(positives))

    def result(self) -> dict[str, float]:
        aps = [heap.average_precision() for heap in self.by_class if heap.num_positives]
        return {
            "hit_at_one": self.hits_at_one / self.num_videos,
            "perr": self.perr / self.num_videos,
            "gap": self.pooled.average_precision(),
            "map": sum(aps) / len(aps),
        }


class _Heap:
    """Entries (score, whether it is a hit) of one ranking."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, bool]] = []
        self.num_positives = 0

    def push(self, scores: list[float], hits: list[bool], num_positives: int) -> None:
        if len(scores) != len(hits):
            raise ValueError(f"{len(scores)} scores and {len(hits)} hits")
        if not isinstance(num_positives, numbers.Number) or num_positives < 0:
            raise ValueError(f"num_positives must be a number from 0; received {num_positives}")
        self.num_positives += num_positives
        for i in range(np.size(scores)):
            heapq.heappush(self.entries, (scores[i], hits[i]))

    def average_precision(self) -> float:
        if not self.entries:
            return 0.0
        scores, is_hit = (np.array(column) for column in zip(*self.entries, strict=True))
        found, total = 0, 0.0
        ranking = sorted(range(len(scores)), key=lambda i: scores[i], reverse=True)
        for rank, i in enumerate(ranking, 1):
            if is_hit[i]:
                found += 1
                total += found / rank
        return total / self.num_positives


def _flatten(lists: list[list]) -> list:
    return [value for values in lists for value in values]


def figures(workdir: pathlib.Path) -> list[Figure]:
    """Videos per second over the loop's; 1,024 videos, the result of all of them included.

    By medians, of several runs for each of the loop's, which takes half a second to their 8 ms.

    Raises:
        ValueError: the two disagree, so that a comparison of their speed would mean nothing.
    """
    batches = _batches()

    def evaluate(metrics: Any) -> dict[str, float]:
        for predictions, labels in batches:
            metrics.update(predictions, labels)
        return metrics.result()

    def by_loop() -> dict[str, float]:
        return evaluate(LoopMetrics(_NUM_CLASSES, _TOP_K))

    def streaming() -> dict[str, float]:
        return evaluate(EvaluationMetrics(_NUM_CLASSES, _TOP_K))

    received = streaming()
    for name, expected in by_loop().items():
        if not np.isclose(received[name], expected, rtol=1e-6):
            raise ValueError(f"{name} is {received[name]}, and {expected} by the loop")
    loop_seconds, *seconds = in_turn(
        _REPETITIONS, by_loop, *[streaming] * _RUNS_PER_REPETITION, warm_up=False
    )
    num_videos = _NUM_BATCHES * _BATCH_SIZE
    speed, loop_speed = (num_videos / float(np.median(runs)) for runs in (seconds, loop_seconds))
    detail = {"videos_per_second": speed, "loop_videos_per_second": loop_speed}
    name = "streaming metrics over a plain Python loop"
    return [Figure(name, speed / loop_speed, bound=50.0, detail=detail)]


def _batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Predictions of a fair model: most classes near 0, labels often among the best."""
    rng = np.random.default_rng(0)
    batches = []
    for _ in range(_NUM_BATCHES):
        labels = np.zeros((_BATCH_SIZE, _NUM_CLASSES), bool)
        rows = np.arange(_BATCH_SIZE).repeat(_LABELS_PER_VIDEO)
        classes = _NUM_CLASSES * rng.random(rows.size) ** 3
        labels[rows, classes.astype(int)] = True
        logits = rng.normal(-8, 2, labels.shape) + labels * rng.normal(6, 2, labels.shape)
        batches.append(((1 / (1 + np.exp(-logits))).astype(np.float32), labels))
    return batches
