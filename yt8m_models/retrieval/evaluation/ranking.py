"""NDCG and average precision of many queries, without sorting candidates by query.

Both follow from where the relevant candidates stand. With `n_≥(s)` and `n_>(s)` candidates of a
score of at least, and of more than s, a relevant candidate of score s shares the ranks
`n_>(s) + 1` to `n_≥(s)`, and

    AP = mean over relevant r of the mean, over all orders of equal scores, of the precision at r
    DCG@k = Σ over relevant r of gain_r · (mean of 1 / log2(rank + 1), if rank ≤ k, over its ranks)

which is what `eval.retrieval` gives with `ties="shared"`. The scores of a query are sorted by
themselves, and the relevant ones looked up: a fraction of the time of an order of the candidates.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from eval.retrieval import expected_precision, harmonic_numbers
from yt8m_models.graph.co_watch_graph import CoWatchGraph, RetrievalTask

_QUERIES = 1 << 14  # whose edges are in memory together
_CANDIDATES = 1 << 14  # whose vectors are in memory together
_SCORES = 1 << 26


class Quality(NamedTuple):
    """What was found for each query: NDCG and average precision, float64 `(q,)`."""

    ndcg: np.ndarray
    average_precision: np.ndarray


def retrieval_quality(
    graph: CoWatchGraph,
    task: RetrievalTask,
    vectors: Callable[[np.ndarray], np.ndarray],
    top_k: int,
    is_graded: bool = False,
    on_queries: Callable[[int], None] = lambda count: None,
) -> Quality:
    """Ranks all candidates of each query by the product of their vectors.

    Memory is bounded beside what `vectors` keeps: 2^26 scores at a time, or those of one query.

    Args:
        graph: tells what was co-watched; each query with at least one candidate.
        task: queries and candidates.
        vectors: the vectors of rows of the graph, float32 `(n,)` to `(n, d)`.
        top_k: ranks that NDCG looks at.
        is_graded: the gain is the weight of the edge; 1 otherwise.
        on_queries: receives the number of queries of each block that is done.

    Raises:
        ValueError: a query was co-watched with none of the candidates.
    """
    queries, candidates = task
    found = np.empty((2, len(queries)))
    sums = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(top_k) + 2))])
    harmonic = harmonic_numbers(len(candidates))
    step = max(1, min(_QUERIES, _SCORES // max(1, len(candidates))))
    for first in range(0, len(queries), _QUERIES):
        chunk = queries[first : first + _QUERIES]
        owners, columns, weights = graph.edges_between(chunk, candidates)
        gains = weights.astype(float) if is_graded else np.ones(len(weights))
        ends = np.searchsorted(owners, np.arange(len(chunk) + 1))
        if (is_empty := np.diff(ends) == 0).any():
            raise ValueError(
                f"queries must be co-watched with a candidate; row {chunk[is_empty][0]} is not"
            )
        for start in range(0, len(chunk), step):
            scores = _scores(vectors, chunk[start : start + step], candidates)
            for number, row in enumerate(scores, start):
                relevant = slice(ends[number], ends[number + 1])
                found[:, first + number] = _of_query(
                    row, columns[relevant], gains[relevant], sums, harmonic
                )
            on_queries(len(scores))
    return Quality(*found)


def _scores(
    vectors: Callable[[np.ndarray], np.ndarray], queries: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    of_queries = vectors(queries)
    scores = np.empty((len(queries), len(candidates)), np.float32)
    for start in range(0, len(candidates), _CANDIDATES):
        block = slice(start, start + _CANDIDATES)
        scores[:, block] = of_queries @ vectors(candidates[block]).T
    return scores


def _of_query(
    scores: np.ndarray,
    relevant: np.ndarray,
    gains: np.ndarray,
    discount_sums: np.ndarray,
    harmonic: np.ndarray,
) -> tuple[float, float]:
    """NDCG and average precision of one query, whose `scores` are sorted on the way."""
    of_relevant = scores[relevant]
    scores.sort()
    ends = len(scores) - scores.searchsorted(of_relevant, "left")
    starts = len(scores) - scores.searchsorted(of_relevant, "right")
    in_order = np.sort(of_relevant)
    above = len(in_order) - in_order.searchsorted(of_relevant, "right")
    tied = len(in_order) - in_order.searchsorted(of_relevant, "left") - above
    precision = expected_precision(starts, ends, above, tied, harmonic)
    depth = len(discount_sums) - 1
    shares = discount_sums[np.minimum(ends, depth)] - discount_sums[np.minimum(starts, depth)]
    best = np.sort(gains)[::-1][:depth]
    ideal = best @ np.diff(discount_sums)[: len(best)]
    return float(gains @ (shares / (ends - starts)) / ideal), float(np.mean(precision))
