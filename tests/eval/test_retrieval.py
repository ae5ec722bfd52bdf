"""The metrics of retrieval against scikit-learn, slow loops and numbers by hand."""

import itertools
import math

import numpy as np
import pytest

from eval import retrieval
from eval.retrieval import auc, average_precision, mean_average_precision, mean_over_queries, ndcg

METRICS = (ndcg, average_precision, auc)


def _queries(seed, num_queries=40, num_candidates=30, with_ties=True):
    rng = np.random.default_rng(seed)
    shape = (num_queries, num_candidates)
    relevance = rng.integers(0, 6, shape) * rng.integers(0, 2, shape)
    relevance[:, :2] = [0, 3]  # each query has a relevant and an irrelevant candidate
    scores = rng.integers(-4, 5, shape) if with_ties else rng.normal(size=shape)
    return relevance, scores.astype(np.float32)


def _orders(relevance, scores, ties):
    """All orders of the candidates that the policy averages over: one, unless ties are shared."""
    places = range(len(scores))
    if ties == "shared":
        for order in itertools.permutations(places):
            if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order)):
                yield list(order)
    elif ties == "stable":
        yield sorted(places, key=lambda i: -scores[i])
    else:
        yield sorted(places, key=lambda i: (-scores[i], relevance[i]))


def _slow_ndcg(relevance, scores, k, ties):
    def dcg(gains):
        return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains[:k]))

    gains = [2**value - 1 for value in relevance]
    values = [dcg([gains[i] for i in order]) for order in _orders(relevance, scores, ties)]
    return np.mean(values) / dcg(sorted(gains, reverse=True))


def _slow_average_precision(relevance, scores, ties):
    values = []
    for order in _orders(relevance, scores, ties):
        hits = [relevance[i] > 0 for i in order]
        values.append(np.mean([sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit]))
    return np.mean(values)


def _slow_auc(relevance, scores, ties):
    values = []
    for order in _orders(relevance, scores, ties):
        hits = [relevance[i] > 0 for i in order]
        pairs = [(a, b) for a, b in itertools.combinations(hits, 2) if a != b]
        values.append(np.mean([a for a, _ in pairs]))
    return np.mean(values)


@pytest.mark.parametrize("k", [None, 1, 3, 10, 29, 30, 100])
@pytest.mark.parametrize("with_ties", [False, True])
def test_ndcg_equals_scikit_learn(k, with_ties):
    sklearn = pytest.importorskip("sklearn.metrics")
    relevance, scores = _queries(0, with_ties=with_ties)
    values = ndcg(relevance, scores, k)
    linear = ndcg(relevance, scores, k, gains="linear")
    assert values.shape == (40,)
    for query in range(40):
        row = slice(query, query + 1)
        expected = sklearn.ndcg_score(2.0 ** relevance[row] - 1, scores[row], k=k)
        assert values[query] == pytest.approx(expected, abs=1e-12)
        expected = sklearn.ndcg_score(relevance[row], scores[row], k=k)
        assert linear[query] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("with_ties", [False, True])
def test_average_precision_and_auc_equal_scikit_learn(with_ties):
    sklearn = pytest.importorskip("sklearn.metrics")
    relevance, scores = _queries(1, with_ties=with_ties)
    precisions, areas = average_precision(relevance, scores), auc(relevance, scores)
    for query in range(40):
        labels = relevance[query] > 0
        if not with_ties:  # scikit-learn does not take the mean over their orders
            expected = sklearn.average_precision_score(labels, scores[query])
            assert precisions[query] == pytest.approx(expected, abs=1e-12)
        expected = sklearn.roc_auc_score(labels, scores[query])
        assert areas[query] == pytest.approx(expected, abs=1e-12)
    assert mean_average_precision(relevance, scores) == pytest.approx(precisions.mean())


@pytest.mark.parametrize("ties", ["shared", "stable", "pessimistic"])
def test_equals_slow_loops_over_the_orders(ties):
    relevance, scores = _queries(2, num_queries=12, num_candidates=7)
    scores = np.clip(scores, -1, 1)
    for query in range(12):
        row = relevance[query], scores[query]
        for k in (1, 2, 4, 7):
            expected = _slow_ndcg(*row, k, ties)
            assert ndcg(*row, k, ties=ties) == pytest.approx(expected, abs=1e-12)
        assert auc(*row, ties=ties) == pytest.approx(_slow_auc(*row, ties), abs=1e-12)
        expected = _slow_average_precision(*row, ties)
        assert average_precision(*row, ties=ties) == pytest.approx(expected, abs=1e-12)


def test_by_hand():
    relevance, scores = [3, 0, 1, 0], [0.1, 0.9, 0.5, 0.3]
    # Best first: 0, 1, 0, 3. DCG = 1 / log2(3) + 7 / log2(5); ideal 7 + 1 / log2(3).
    discounts = [1 / math.log2(rank + 1) for rank in (1, 2, 3, 4)]
    expected = (discounts[1] + 7 * discounts[3]) / (7 + discounts[1])
    assert ndcg(relevance, scores) == pytest.approx(expected)
    assert ndcg(relevance, np.array([1, 9, 5, 3], np.uint8)) == pytest.approx(expected)
    assert ndcg(relevance, scores, 2) == pytest.approx(discounts[1] / (7 + discounts[1]))
    assert average_precision(relevance, scores) == pytest.approx((1 / 2 + 2 / 4) / 2)
    # Of the four pairs one is right: relevance 1 (0.5) over the 0 with 0.3.
    assert auc(relevance, scores) == pytest.approx(1 / 4)


def test_average_precision_of_many_ties_is_exact():
    """Against sums over the ranks, with 100,000 candidates of ten scores each."""
    rng = np.random.default_rng(7)
    scores, is_relevant = rng.integers(0, 10, 100_000), rng.random(100_000) < 0.01
    expected, start, above = 0.0, 0, 0
    for score in range(9, -1, -1):
        hits = is_relevant[scores == score]
        ranks = np.arange(start + 1, start + len(hits) + 1)
        others = (ranks - 1 - start) * (hits.sum() - 1) / (len(hits) - 1)
        expected += hits.mean() * math.fsum((above + 1 + others) / ranks)
        start, above = start + len(hits), above + hits.sum()
    value = average_precision(is_relevant, scores.astype(float))
    assert value == pytest.approx(expected / is_relevant.sum(), rel=1e-11)


def test_ties_by_hand():
    relevance, scores = [0, 1], [1.0, 1.0]
    second = 1 / math.log2(3)
    expected = {"shared": (1 + second) / 2, "stable": second, "pessimistic": second}
    for ties, value in expected.items():
        assert ndcg(relevance, scores, ties=ties) == pytest.approx(value)
    assert ndcg(relevance, scores, 1) == pytest.approx(1 / 2)
    assert ndcg(relevance[::-1], scores, ties="stable") == 1
    assert ndcg(relevance[::-1], scores, ties="pessimistic") == pytest.approx(second)
    assert [auc(relevance, scores, ties=ties) for ties in expected] == [0.5, 0, 0]
    precisions = [average_precision(relevance, scores, ties=ties) for ties in expected]
    assert precisions == [(1 + 1 / 2) / 2, 0.5, 0.5]
    assert average_precision(relevance[::-1], scores, ties="stable") == 1


@pytest.mark.parametrize("ties", ["shared", "stable", "pessimistic"])
@pytest.mark.parametrize("metric", METRICS)
def test_candidates_that_are_not_valid_are_left_out(metric, ties):
    relevance, scores = _queries(3)
    rng = np.random.default_rng(4)
    valid = rng.random(scores.shape) < 0.5
    valid[:, :2] = True
    scores[:, 5] = -np.inf
    spoilt = np.where(valid, scores, np.nan), np.where(valid, relevance, -1)
    values = metric(spoilt[1], spoilt[0], valid=valid, ties=ties)
    for query in range(len(scores)):
        row = valid[query]
        expected = metric(relevance[query, row], scores[query, row], ties=ties)
        assert values[query] == pytest.approx(expected, abs=1e-12)


def test_padding_does_not_shorten_the_ranking_of_others():
    relevance, scores = _queries(5, num_queries=6, num_candidates=50)
    valid = np.arange(50) < np.array([2, 3, 9, 10, 11, 50])[:, None]
    values = ndcg(relevance, scores, 10, valid=valid)
    for query, count in enumerate(valid.sum(axis=1)):
        expected = ndcg(relevance[query, :count], scores[query, :count], 10)
        assert values[query] == pytest.approx(expected, abs=1e-12)


def test_queries_without_a_value():
    relevance = np.array([[0, 0, 0], [1, 2, 1], [0, 1, 0]])
    scores = np.array([[3.0, 2.0, 1.0]] * 3)
    assert np.isnan(ndcg(relevance, scores)).tolist() == [True, False, False]
    assert np.isnan(average_precision(relevance, scores)).tolist() == [True, False, False]
    assert np.isnan(auc(relevance, scores)).tolist() == [True, True, False]
    for metric in METRICS:
        values = metric(relevance, scores, empty="zero")
        assert values[0] == 0
        assert values[2] == metric(relevance, scores)[2]
    # AP: 1 and 1 / 2, with the first query as 0 or left out
    assert mean_average_precision(relevance, scores) == pytest.approx(0.75)
    assert mean_average_precision(relevance, scores, empty="zero") == pytest.approx(0.5)
    assert math.isnan(mean_average_precision(relevance[:1], scores[:1]))
    assert math.isnan(mean_over_queries(np.zeros(0)))


@pytest.mark.parametrize("metric", METRICS)
def test_empty_input(metric):
    assert metric(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)
    assert np.isnan(metric(np.zeros((2, 0)), np.zeros((2, 0)))).all()
    assert metric(np.zeros((2, 0)), np.zeros((2, 0)), empty="zero").tolist() == [0, 0]
    assert np.isnan(metric([1, 0], [0.5, 0.1], valid=[False, False]))


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_do_not_change_values(metric, monkeypatch):
    relevance, scores = _queries(6)
    at_once = metric(relevance, scores)
    for elements in (90, 7):  # three queries a block, and fewer than a query has
        monkeypatch.setattr(retrieval, "_BLOCK_ELEMENTS", elements)
        np.testing.assert_allclose(metric(relevance, scores), at_once, rtol=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_a_constant_gains_nothing_from_the_order_where_ties_are_pessimistic(metric):
    relevance = np.array([[1, 1, 0, 0, 0]])
    constant = np.zeros((1, 5))
    worst = metric(relevance, -relevance.astype(float), ties="pessimistic")
    assert metric(relevance, constant, ties="pessimistic") == pytest.approx(worst)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("relevance", "scores", "options", "message"),
    [
        ([[1, 0]], [[0.5, np.nan]], {}, "received nan for query 0, candidate 1"),
        ([[1, 0], [0, -2]], [[0.5, 0.1]] * 2, {}, "received -2 for query 1, candidate 1"),
        ([[1, np.inf]], [[0.5, 0.1]], {}, "finite and at least 0; received inf"),
        ([[1, 0, 0]], [[0.5, 0.1]], {}, r"relevance must have the shape of scores, \(1, 2\)"),
        ([[1, 0]], [[0.5, 0.1]], {"valid": [True, True]}, r"valid must have .* received \(2,\)"),
        ([[[1]]], [[[0.5]]], {}, r"received \(1, 1, 1\)"),
        ([[1, 0]], [[0.5, 0.1]], {"ties": "random"}, "ties must be one of .* 'random'"),
        ([[1, 0]], [[0.5, 0.1]], {"empty": "one"}, "empty must be one of .* 'one'"),
    ],
)
def test_bad_input(metric, relevance, scores, options, message):
    with pytest.raises(ValueError, match=message):
        metric(relevance, scores, **options)


def test_bad_input_of_ndcg():
    with pytest.raises(ValueError, match="k must be at least 1; received 0"):
        ndcg([1, 0], [0.5, 0.1], 0)
    with pytest.raises(ValueError, match="gains must be one of exponential, linear"):
        ndcg([1, 0], [0.5, 0.1], gains="log")
    with pytest.raises(ValueError, match="at most 1000 with exponential gains; received 2000"):
        ndcg([2000, 0], [0.5, 0.1])
    assert ndcg([2000, 0], [0.5, 0.1], gains="linear") == 1
    assert ndcg([1000, 0], [0.5, 0.1]) == 1
