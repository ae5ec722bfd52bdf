"""Metrics of retrieval: how well scores order the candidates of each query.

Each metric takes `relevance` and `scores` of the shape `(queries, candidates)` and gives a value
per query, float64 `(queries,)`; or both of `(candidates,)`, one query, and gives one value. They
are worked out for a block of queries at a time, so memory beyond the input is bounded.

`relevance` is finite and at least 0, and only above 0 is relevant; of `scores` higher is better,
and none is NaN. A `ValueError` says where shapes differ, a value is not allowed or a policy is
unknown.

What every metric shares, by argument:

- `valid`, bool of the same shape: candidates outside it are left out, as if the query did not have
  them (padding, or the query itself). All candidates count unless given.
- `ties`, the order of equal scores. `"shared"`: candidates of equal score share their places, and
  each metric is its mean over all orders of them, so that constant scores get what a random order
  does. `"stable"`: the earlier candidate first. `"pessimistic"`: the less relevant first, so that
  constant scores gain nothing from the order of the candidates.
- `empty`, the queries whose value is not defined: those without a relevant candidate, and in AUC
  also those without an irrelevant one. `"skip"`: their value is NaN, and means leave them out.
  `"zero"`: their value is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.checks import check_choice, check_positive

RETRIEVAL_TIES = ("shared", "stable", "pessimistic")
RETRIEVAL_EMPTY = ("skip", "zero")
GAINS = ("exponential", "linear")

_BLOCK_ELEMENTS = 1 << 20
_MAX_EXPONENT = 1000  # sums of 2^1000 are still numbers


def ndcg(
    relevance: Any,
    scores: Any,
    k: int | None = None,
    *,
    gains: str = "exponential",
    valid: Any = None,
    ties: str = "shared",
    empty: str = "skip",
) -> Any:
    """Normalised discounted cumulative gain of each query's best `k` candidates.

    ```
    DCG@k = Σ over ranks r = 1 … k of gain(relevance at r) / log2(r + 1)
    NDCG@k = DCG@k / (DCG@k of the candidates by falling relevance)
    ```

    Järvelin and Kekäläinen, *Cumulated gain-based evaluation of IR techniques* (2002).

    Args:
        relevance, scores, valid, ties, empty: see the module.
        k: ranks to look at; all unless given. Queries with fewer candidates are looked at as far as
            they go.
        gains: `"exponential"` is `2^relevance - 1`, `"linear"` the relevance itself.
    """
    check_choice("gains", gains, GAINS)
    if k is not None:
        check_positive("k", k)

    def of_block(relevance: np.ndarray, scores: np.ndarray) -> np.ndarray:
        if gains == "exponential" and (too_large := relevance[relevance > _MAX_EXPONENT]).size:
            raise ValueError(
                f"relevance must be at most {_MAX_EXPONENT} with exponential gains; received "
                f"{too_large[0]:g}"
            )
        gain = np.exp2(relevance) - 1 if gains == "exponential" else relevance
        depth = scores.shape[1] if k is None else min(k, scores.shape[1])
        discounts = 1 / np.log2(np.arange(depth) + 2)
        best = -np.partition(-gain, depth - 1, axis=1)[:, :depth]
        ideal = -np.sort(-best, axis=1) @ discounts
        ranked = _rank(*_best(gain, scores, depth), ties)
        sums = np.zeros(ranked.relevance.shape[1] + 1)
        sums[1:] = discounts.sum()
        sums[1 : depth + 1] = np.cumsum(discounts)
        shares = (sums[ranked.end] - sums[ranked.start]) / (ranked.end - ranked.start)
        return _divide(np.sum(ranked.relevance * shares, axis=1), ideal)

    return _by_block(of_block, relevance, scores, valid, ties, empty)


def average_precision(
    relevance: Any, scores: Any, *, valid: Any = None, ties: str = "shared", empty: str = "skip"
) -> Any:
    """Average precision of each query.

    ```
    AP = mean over the relevant candidates of (relevant ones down to its rank / its rank)
    ```

    Shared ties: see `expected_precision`. Scikit-learn takes those of equal score together instead,
    which gives less where the best are tied.
    """

    def of_block(relevance: np.ndarray, scores: np.ndarray) -> np.ndarray:
        ranked = _rank(relevance > 0, scores, ties)
        found = _sums_before(ranked.relevance)
        relevant = np.nonzero(ranked.relevance)
        query, start, end = relevant[0], ranked.start[relevant], ranked.end[relevant]
        above, down_to = found[query, start], found[query, end]
        precision = expected_precision(
            start, end, above, down_to - above, harmonic_numbers(scores.shape[1])
        )
        return _divide(np.bincount(query, precision, len(scores)), found[:, -1])

    return _by_block(of_block, relevance, scores, valid, ties, empty)


def mean_average_precision(
    relevance: Any, scores: Any, *, valid: Any = None, ties: str = "shared", empty: str = "skip"
) -> float:
    """The mean of `average_precision` over queries; NaN if every query is skipped."""
    values = average_precision(relevance, scores, valid=valid, ties=ties, empty=empty)
    return mean_over_queries(values)


def auc(
    relevance: Any, scores: Any, *, valid: Any = None, ties: str = "shared", empty: str = "skip"
) -> Any:
    """Area under each query's receiver operating characteristic.

    ```
    AUC = share of the pairs of a relevant and an irrelevant candidate that the scores order right
    ```
    """

    def of_block(relevance: np.ndarray, scores: np.ndarray) -> np.ndarray:
        ranked = _rank(relevance > 0, scores, ties)
        is_irrelevant = ~ranked.relevance & ~np.isnan(ranked.scores)
        irrelevant = _sums_before(is_irrelevant)
        above = np.take_along_axis(irrelevant, ranked.start, axis=1)
        down_to = np.take_along_axis(irrelevant, ranked.end, axis=1)
        count = irrelevant[:, -1]
        won = count[:, None] - (above + down_to) / 2
        pairs = count * ranked.relevance.sum(axis=1)
        return _divide(np.sum(won, axis=1, where=ranked.relevance), pairs)

    return _by_block(of_block, relevance, scores, valid, ties, empty)


def expected_precision(
    start: np.ndarray, end: np.ndarray, above: np.ndarray, tied: np.ndarray, harmonic: np.ndarray
) -> np.ndarray:
    """Precision at the rank of a relevant candidate, the mean over all orders of equal scores.

    With n = end - start candidates of its score, R relevant ones above them and r among them, it is
    at each of the ranks k = start + 1, …, end equally often, and then (k - start - 1) (r - 1) /
    (n - 1) of the other tied relevant ones are above it in the mean. With q = (r - 1) / (n - 1) and
    the harmonic numbers H that is

    ```
    q + (R + 1 - q (start + 1)) (H_end - H_start) / n
    ```

    Args:
        start: candidates of a higher score, int; one value per relevant candidate, like all below.
        end: candidates of its score or a higher one.
        above: relevant ones of a higher score.
        tied: relevant ones of its score, with itself.
        harmonic: `harmonic_numbers` as far as the largest `end`.
    """
    precision: np.ndarray = (above + 1) / end  # by itself
    is_tied = end - start > 1
    start, end, above, tied = (each[is_tied] for each in (start, end, above, tied))
    count = end - start
    others = (tied - 1) / (count - 1)
    reciprocals = (harmonic[end] - harmonic[start]) / count
    precision[is_tied] = others + (above + 1 - others * (start + 1)) * reciprocals
    return precision


def harmonic_numbers(count: int) -> np.ndarray:
    """H_0 to H_count, where H_n = 1 + 1/2 + … + 1/n: float64 `(count + 1,)`."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, count + 1))])


def mean_over_queries(values: Any) -> float:
    """The mean of the values per query that are not NaN; NaN if all are."""
    counted = np.asarray(values)[~np.isnan(values)]
    return float(counted.mean()) if counted.size else float("nan")


@dataclass(frozen=True)
class _Ranked:
    """Candidates by falling score, those left out last; all arrays are `(queries, candidates)`.

    `start` and `end`: the candidate shares its place with those of the ranks `start` to `end - 1`,
    counted from 0; by itself, `end` is its rank counted from 1.
    """

    relevance: np.ndarray
    scores: np.ndarray
    start: np.ndarray
    end: np.ndarray


def _rank(relevance: np.ndarray, scores: np.ndarray, ties: str) -> _Ranked:
    """Ranks each query's candidates; NaN scores come last, each with a place of its own."""
    if ties == "shared":
        order = np.argsort(-scores, axis=1)  # of equal scores any order: they share a place
    else:
        order = np.lexsort((relevance, -scores) if ties == "pessimistic" else (-scores,), axis=1)
    relevance = np.take_along_axis(relevance, order, axis=1)
    scores = np.take_along_axis(scores, order, axis=1)
    places = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    if ties != "shared":
        return _Ranked(relevance, scores, places, places + 1)
    is_new = np.ones((len(scores), scores.shape[1] + 1), bool)
    is_new[:, 1:-1] = scores[:, 1:] != scores[:, :-1]
    start = np.maximum.accumulate(np.where(is_new[:, :-1], places, 0), axis=1)
    ends = np.where(is_new[:, 1:], places + 1, scores.shape[1])
    end = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return _Ranked(relevance, scores, start, end)


def _best(gain: np.ndarray, scores: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Each query's candidates that can be among its best `depth`, in their order, then padding.

    These are the best and all that tie with the last of them; padding has no gain and NaN scores.
    """
    if depth == scores.shape[1]:
        return gain, scores
    last = -np.partition(-scores, depth - 1, axis=1)[:, depth - 1, None]
    is_kept = (scores >= last) | (np.isnan(last) & ~np.isnan(scores))
    counts = is_kept.sum(axis=1)
    in_table = np.arange(max(counts.max(), depth)) < counts[:, None]
    table = np.zeros(in_table.shape), np.full(in_table.shape, np.nan, scores.dtype)
    for entries, values in zip(table, (gain, scores), strict=True):
        entries[in_table] = values[is_kept]
    return table


def _by_block(
    of_block: Callable[[np.ndarray, np.ndarray], np.ndarray],
    relevance: Any,
    scores: Any,
    valid: Any,
    ties: str,
    empty: str,
) -> Any:
    """Checks the input and works the metric out for a block of queries at a time.

    `of_block` receives relevance as float64, and scores that are NaN where a candidate is left out;
    it gives NaN where the value is not defined.
    """
    check_choice("ties", ties, RETRIEVAL_TIES)
    check_choice("empty", empty, RETRIEVAL_EMPTY)
    scores, relevance = np.asarray(scores), np.asarray(relevance)
    if scores.ndim not in (1, 2):
        raise ValueError(
            "scores must have the shape (queries, candidates) or (candidates,); "
            f"received {scores.shape}"
        )
    if scores.dtype not in (np.float32, np.float64):
        scores = scores.astype(np.float64)
    valid = np.broadcast_to(True, scores.shape) if valid is None else np.asarray(valid, bool)
    for name, values in (("relevance", relevance), ("valid", valid)):
        if values.shape != scores.shape:
            raise ValueError(
                f"{name} must have the shape of scores, {scores.shape}; received {values.shape}"
            )
    if scores.ndim == 1:
        return _by_block(of_block, relevance[None], scores[None], valid[None], ties, empty)[0]
    result = np.full(len(scores), np.nan)
    num_candidates = scores.shape[1]
    rows = max(_BLOCK_ELEMENTS // max(num_candidates, 1), 1)
    for start in range(0, len(scores) if num_candidates else 0, rows):
        block = slice(start, start + rows)
        relevant = np.where(valid[block], relevance[block], 0)
        is_allowed = np.isfinite(relevant) & (relevant >= 0)
        _refuse("relevance", "finite and at least 0", relevant, ~is_allowed, start)
        is_wrong = np.isnan(scores[block]) & valid[block]
        _refuse("scores", "numbers", scores[block], is_wrong, start)
        of_scores = np.where(valid[block], scores[block], np.nan).astype(scores.dtype, copy=False)
        result[block] = of_block(relevant.astype(np.float64, copy=False), of_scores)
    return np.nan_to_num(result, nan=0.0) if empty == "zero" else result


def _refuse(name: str, rule: str, values: np.ndarray, is_wrong: np.ndarray, start: int) -> None:
    """Raises a `ValueError` that names the first wrong value of a block from query `start`."""
    if is_wrong.any():
        query, candidate = np.argwhere(is_wrong)[0]
        raise ValueError(
            f"{name} must be {rule}; received {values[query, candidate]} for query "
            f"{start + query}, candidate {candidate}"
        )


def _sums_before(values: np.ndarray) -> np.ndarray:
    """Sums of each row's first 0, 1, … n values: `(rows, n + 1)`."""
    sums = np.zeros((len(values), values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _divide(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Quotients; NaN where `by` is 0."""
    quotients = np.full(len(values), np.nan)
    np.divide(values, by, out=quotients, where=by > 0)
    return quotients
