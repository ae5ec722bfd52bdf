"""Triplets: which are drawn, how often, and what is drawn where there is no choice."""

import tracemalloc

import numpy as np
import pytest

from tests.graph.test_co_watch_graph import random_graph
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.graph import triplet_sampler
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.triplet_sampler import Triplets, TripletSampler


def graph_of(num_videos, edges, shown=None, is_eval=()):
    flags = np.isin(np.arange(num_videos), is_eval)
    ids = VideoIds([f"v{row}" for row in range(num_videos)])
    return CoWatchGraph.from_edges(ids, edges, np.ones(len(edges)), flags, shown)


def everything(graph):
    return np.ones(len(graph), bool)


def shares(rows, num_videos):
    return np.bincount(rows, minlength=num_videos) / len(rows)


@pytest.mark.parametrize("num_edges", [40, 300, 1700])
def test_triplets_are_what_they_should_be(num_edges):
    graph, dense = random_graph(num_edges=num_edges)
    usable = np.random.default_rng(5).random(60) < 0.8
    sampler = TripletSampler(graph, usable, seed=3)
    anchors, positives, negatives = triplets = sampler.batch(0, 20_000)
    is_trained_on = usable & ~graph.is_eval
    for rows in triplets:
        assert rows.dtype == np.int64
        assert rows.shape == (20_000,)
        assert is_trained_on[rows].all()
    assert (dense[anchors, positives] > 0).all()
    assert (dense[anchors, negatives] == 0).all()
    assert (anchors != negatives).all()
    # every edge is drawn, in both directions
    within = dense * np.outer(is_trained_on, is_trained_on) > 0
    possible = within.sum(axis=1) < is_trained_on.sum() - 1
    edges = np.argwhere(within & possible[:, None])
    assert sampler.num_edges == len(edges)
    drawn = np.unique(np.stack([anchors, positives], axis=1), axis=0)
    assert np.array_equal(drawn, edges)


def test_negatives_are_uniform_over_those_allowed():
    # Anchor 2 has the neighbours 0, 3, 4, 7 of ten videos; 8 is evaluated on: left are 1, 5, 6, 9.
    graph = graph_of(10, [[2, 0], [2, 3], [2, 4], [2, 7]], is_eval=[8])
    sampler = TripletSampler(graph, everything(graph))
    anchors, _, negatives = sampler.batch(0, 80_000)
    of_two = shares(negatives[anchors == 2], 10)
    assert np.flatnonzero(of_two).tolist() == [1, 5, 6, 9]
    # about 40,000 draws: the deviation of a share is sqrt(.25 * .75 / 40,000) = 0.0022
    np.testing.assert_allclose(of_two[[1, 5, 6, 9]], 0.25, atol=0.011)
    of_three = shares(negatives[anchors == 3], 10)  # all but 3 itself, 2 and 8
    allowed = [0, 1, 4, 5, 6, 7, 9]
    assert np.flatnonzero(of_three).tolist() == allowed
    np.testing.assert_allclose(of_three[allowed], 1 / 7, atol=0.02)
    assert shares(anchors, 10)[2] == pytest.approx(0.5, abs=0.01)  # in 4 of 8 directed edges


def test_edges_are_drawn_by_their_weights():
    """Of the five training videos 0 is a neighbour of all others, and so no anchor; 5 is not one.

    Directed edges that are left: 1-0 (9), 1-2 (1), 2-0 (4), 2-1 (1), 3-0 (2), 4-0 (3), 20 in all.
    """
    ids = VideoIds([f"v{row}" for row in range(6)])
    edges = [[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [1, 5]]
    graph = CoWatchGraph.from_edges(ids, edges, [9, 4, 2, 3, 1, 50], np.arange(6) == 5)
    sampler = TripletSampler(graph, everything(graph), by_weight=True)
    assert (sampler.num_left_out, sampler.num_edges) == (1, 6)
    anchors, positives, _ = sampler.batch(0, 40_000)
    found = np.bincount(anchors * 6 + positives, minlength=36).reshape(6, 6) / 40_000
    expected = np.zeros((6, 6))
    expected[1, [0, 2]] = 9 / 20, 1 / 20
    expected[2, [0, 1]] = 4 / 20, 1 / 20
    expected[[3, 4], 0] = 2 / 20, 3 / 20
    assert np.array_equal(found > 0, expected > 0)
    np.testing.assert_allclose(found, expected, atol=0.0125)  # 5 sqrt(.25 / 40,000)


# Of the training videos 0 to 5, 0 has the neighbours 1, 2, 3, 4 by weights 1, 2, 2, 5, 1 has 0 by 1
# and 2 by 3, and so on; 5 is a neighbour of none, and 6 is evaluated on.
GRADED_EDGES = {(0, 1): 1, (0, 2): 2, (0, 3): 2, (0, 4): 5, (1, 2): 3, (0, 6): 1}


def graded_sampler(graded, **flags):
    ids = VideoIds([f"v{row}" for row in range(7)])
    edges, weights = list(GRADED_EDGES), list(GRADED_EDGES.values())
    graph = CoWatchGraph.from_edges(ids, edges, weights, np.arange(7) == 6)
    return TripletSampler(graph, everything(graph), graded=graded, **flags)


@pytest.mark.parametrize(("graded", "by_weight"), [(0.4, False), (0.4, True), (1.0, False)])
def test_graded_negatives_are_less_relevant_than_the_positive(graded, by_weight):
    """Of each pair: neighbours of lower weight, and no neighbours; written down for all ten."""
    sampler = graded_sampler(graded, by_weight=by_weight)
    allowed = {
        (0, 1): ([], [5]),
        (0, 2): ([1], [5]),
        (0, 3): ([1], [5]),
        (0, 4): ([1, 2, 3], [5]),
        (1, 0): ([], [3, 4, 5]),
        (1, 2): ([0], [3, 4, 5]),
        (2, 0): ([], [3, 4, 5]),
        (2, 1): ([0], [3, 4, 5]),
        (3, 0): ([], [1, 2, 4, 5]),
        (4, 0): ([], [1, 2, 3, 5]),
    }
    assert (sampler.num_edges, sampler.num_left_out) == (10, 0)
    anchors, positives, negatives = sampler.batch(0, 60_000)
    for (anchor, positive), (lower, others) in allowed.items():
        chosen = negatives[(anchors == anchor) & (positives == positive)]
        expected = np.zeros(7)
        expected[others] = (1 - graded if lower else 1) / len(others)
        expected[lower] = graded / max(len(lower), 1)
        # 2,300 draws or more: five deviations of a share are at most 5 sqrt(.25 / 2,300) = 0.052
        found = shares(chosen, 7)
        np.testing.assert_allclose(found, expected, atol=0.052)
        assert np.array_equal(found > 0, expected > 0)


def test_graded_triplets_exclude_what_is_as_relevant_as_the_positive():
    """Candidates of the anchor itself, of weights 0, 1, 2, 2, 5 and of the evaluation partition."""
    sampler = graded_sampler(0.5)
    candidates = np.array([0, 5, 1, 2, 3, 4, 6])
    anchors = np.array([0, 0, 0, 0, 1, 2, 3])
    positives = np.array([1, 2, 3, 4, 2, 0, 0])
    excluded = sampler.excluded(Triplets(anchors, positives, candidates))
    weights = np.zeros((7, 7), int)
    for (one, other), weight in GRADED_EDGES.items():
        weights[one, other] = weights[other, one] = weight
    expected = [
        [c == a or weights[a, c] >= weights[a, p] for c in candidates]
        for a, p in zip(anchors, positives, strict=True)
    ]
    assert excluded.tolist() == expected
    assert excluded[1].tolist() == [True, False, False, True, True, True, False]
    triplets = sampler.batch(0, 300)
    assert not sampler.excluded(triplets).diagonal().any()


def test_a_graded_edge_without_a_negative_is_left_out():
    """0, 1 and 2 are neighbours of each other: only the heavier edge of each has a negative."""
    ids = VideoIds([f"v{row}" for row in range(3)])
    graph = CoWatchGraph.from_edges(ids, [[0, 1], [0, 2], [1, 2]], [1, 2, 2], np.zeros(3, bool))
    sampler = TripletSampler(graph, everything(graph), graded=0.01)
    assert (sampler.num_edges, sampler.num_left_out) == (2, 1)
    triplets = np.stack(sampler.batch(0, 200), axis=1)
    assert np.unique(triplets, axis=0).tolist() == [[0, 2, 1], [1, 2, 0]]


def test_the_step_and_the_seed_alone_decide():
    graph, _ = random_graph()
    samplers = [TripletSampler(graph, everything(graph), seed=seed) for seed in (0, 0, 1)]
    samplers[0].batch(4, 50)  # what was drawn before does not matter
    first, again, other = (np.stack(sampler.batch(7, 50)) for sampler in samplers)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.stack(samplers[0].batch(8, 50)))


@pytest.mark.parametrize("num_edges", [40, 1700])
@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"by_weight": True},
        {"graded": 0.4},
        {"graded": 0.4, "by_weight": True},
        {"negatives": "shown"},
    ],
)
def test_blocks_of_rows_draw_what_all_rows_at_once_do(num_edges, flags, monkeypatch):
    graph, _ = random_graph(num_edges=num_edges)
    rng = np.random.default_rng(5)
    usable = rng.random(60) < 0.8
    edges = np.stack([np.repeat(np.arange(60), np.diff(graph.offsets)), graph.neighbors], axis=1)
    once = edges[:, 0] < edges[:, 1]
    graph = CoWatchGraph.from_edges(
        *(graph.ids, edges[once], graph.weights[once], graph.is_eval),
        shown=rng.integers(60, size=(90, 2)),
    )
    at_once = TripletSampler(graph, usable, **flags)
    for rows in (1, 7):
        monkeypatch.setattr(triplet_sampler, "_BLOCK_ROWS", rows)
        in_blocks = TripletSampler(graph, usable, **flags)
        for name in ("num_edges", "num_left_out", "num_without_shown"):
            assert getattr(in_blocks, name) == getattr(at_once, name)
        for expected, found in zip(at_once.batch(2, 999), in_blocks.batch(2, 999), strict=True):
            assert np.array_equal(expected, found)


def test_memory_does_not_grow_with_the_edges(monkeypatch):
    """Each of 2,000 videos has 400 neighbours: 800,000 directed edges, 3.2 MB as int32."""
    num_videos = 2000
    steps = np.arange(1, 201)
    edges = np.stack([np.repeat(np.arange(num_videos), 200), np.tile(steps, num_videos)], axis=1)
    edges[:, 1] = edges.sum(axis=1) % num_videos
    graph = graph_of(num_videos, edges)
    monkeypatch.setattr(triplet_sampler, "_BLOCK_ROWS", 16)
    tracemalloc.start()
    sampler = TripletSampler(graph, everything(graph), by_weight=True, graded=0.5)
    sampler.batch(0, 100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sampler.num_edges == 800_000
    assert peak < 1_600_000


def test_an_anchor_without_a_negative_is_left_out():
    # 0 is a neighbour of all others; 1 can take 3, 2 can take 3, and 3 can take 1 and 2.
    graph = graph_of(4, [[0, 1], [0, 2], [0, 3], [1, 2]])
    sampler = TripletSampler(graph, everything(graph))
    assert (sampler.num_left_out, sampler.num_edges) == (1, 5)
    anchors, positives, negatives = sampler.batch(0, 2000)
    assert sorted(set(zip(anchors.tolist(), positives.tolist(), strict=True))) == [
        (1, 0),
        (1, 2),
        (2, 0),
        (2, 1),
        (3, 0),
    ]
    assert set(negatives[anchors < 3]) == {3}
    assert set(negatives[anchors == 3]) == {1, 2}
    triangle = graph_of(3, [[0, 1], [0, 2], [1, 2]])
    with pytest.raises(ValueError, match=r"none joins two of the 3 training videos.*so that a thi"):
        TripletSampler(triangle, everything(triangle))


def test_shown_negatives_and_uniform_ones_where_none_was_shown():
    # 3 was shown near 0, 4 near 0 too but is evaluated on, 5 has no features; nothing near 1.
    graph = graph_of(6, [[0, 1]], shown=[[0, 3], [0, 2], [0, 4], [0, 5], [2, 0]], is_eval=[4])
    usable = np.arange(6) != 5
    sampler = TripletSampler(graph, usable, negatives="shown")
    assert sampler.num_without_shown == 1
    anchors, _, negatives = sampler.batch(0, 4000)
    np.testing.assert_allclose(
        shares(negatives[anchors == 0], 6), [0, 0, 0.5, 0.5, 0, 0], atol=0.05
    )
    np.testing.assert_allclose(
        shares(negatives[anchors == 1], 6), [0, 0, 0.5, 0.5, 0, 0], atol=0.05
    )
    single = graph_of(6, [[0, 1]], shown=[[0, 3]])
    anchors, _, negatives = TripletSampler(single, usable, negatives="shown").batch(0, 500)
    assert set(negatives[anchors == 0]) == {3}
    uniform = TripletSampler(graph, usable)
    assert uniform.num_without_shown == 0
    assert set(uniform.batch(0, 500).negatives) == {2, 3}


def test_neighbor_pairs_are_the_anchor_and_its_neighbours():
    graph, dense = random_graph()
    sampler = TripletSampler(graph, everything(graph))
    anchors, _, negatives = sampler.batch(0, 200)
    pairs = sampler.neighbor_pairs(anchors, negatives)
    assert pairs.shape == (200, 200)
    assert pairs.dtype == bool
    assert np.array_equal(
        pairs, (dense[anchors][:, negatives] > 0) | (anchors[:, None] == negatives)
    )
    assert not pairs.diagonal().any()
    assert sampler.neighbor_pairs(anchors, anchors).diagonal().all()


def test_wrong_arguments_are_refused():
    graph = graph_of(4, [[0, 1], [1, 2]], is_eval=[1])
    with pytest.raises(ValueError, match="none joins two of the 3 training videos with features"):
        TripletSampler(graph, everything(graph))
    graph = graph_of(4, [[0, 1]])
    with pytest.raises(ValueError, match="need a graph of a log with impressions"):
        TripletSampler(graph, everything(graph), negatives="shown")
    with pytest.raises(ValueError, match="negatives must be uniform or shown; received 'any'"):
        TripletSampler(graph, everything(graph), negatives="any")
    with pytest.raises(ValueError, match="must be uniform with graded ones; received 'shown'"):
        TripletSampler(graph, everything(graph), negatives="shown", graded=0.5)
    with pytest.raises(ValueError, match=r"graded must be at least 0 and at most 1; received 1\.5"):
        TripletSampler(graph, everything(graph), graded=1.5)
    with pytest.raises(ValueError, match=r"usable must be bool of the shape \(4,\)"):
        TripletSampler(graph, np.ones(4))
    with pytest.raises(ValueError, match="seed must be at least 0; received -1"):
        TripletSampler(graph, everything(graph), seed=-1)
