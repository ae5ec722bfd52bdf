"""The co-watch graph: what it answers, what it writes and reads, and what it refuses."""

import json

import numpy as np
import pytest

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.graph.co_watch_graph import CoWatchGraph

# Edges: a-b by 5 users, a-d by 2, b-c by 1, c-d by 7; e has none. c, d and e are evaluated on.
EDGES = [[1, 0], [0, 3], [1, 2], [3, 2]]
WEIGHTS = [5, 2, 1, 7]
IS_EVAL = [False, False, True, True, True]


def small(shown=None):
    return CoWatchGraph.from_edges(VideoIds("abcde"), EDGES, WEIGHTS, IS_EVAL, shown)


def random_graph(num_videos=60, num_edges=300, seed=0):
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.integers(1, 9, (num_videos, num_videos)), 1)
    edges = np.argwhere(matrix)[rng.permutation(num_videos * (num_videos - 1) // 2)[:num_edges]]
    weights = matrix[edges[:, 0], edges[:, 1]]
    dense = np.zeros((num_videos, num_videos), int)
    dense[edges[:, 0], edges[:, 1]] = dense[edges[:, 1], edges[:, 0]] = weights
    ids = VideoIds([f"v{row:03}" for row in range(num_videos)])
    return CoWatchGraph.from_edges(ids, edges, weights, rng.random(num_videos) < 0.3), dense


def test_rows_hold_both_directions_sorted():
    graph = small()
    assert (len(graph), graph.num_edges) == (5, 4)
    assert graph.offsets.tolist() == [0, 2, 4, 6, 8, 8]
    assert graph.neighbors.tolist() == [1, 3, 0, 2, 1, 3, 0, 2]
    assert graph.weights.tolist() == [5, 2, 5, 1, 1, 7, 2, 7]
    types = (graph.offsets.dtype, graph.neighbors.dtype, graph.weights.dtype, graph.is_eval.dtype)
    assert types == (np.int64, np.int32, np.int32, bool)


def test_relevance_equals_a_dense_matrix():
    graph, dense = random_graph()
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(60, size=40), rng.integers(60, size=90)  # both with repetitions
    assert np.array_equal(graph.relevance(rows, columns), dense[rows][:, columns])
    assert graph.relevance(rows, np.zeros(0, int)).shape == (40, 0)


def test_retrieval_has_the_other_partition_as_candidates():
    graph = small()
    task = graph.queries_and_candidates("T2E")
    assert (task.queries.tolist(), task.candidates.tolist()) == ([0, 1], [2, 3, 4])
    assert graph.relevance(*task).tolist() == [[0, 2, 0], [1, 0, 0]]
    task = graph.queries_and_candidates("E2T")  # e was co-watched with none: no query
    assert (task.queries.tolist(), task.candidates.tolist()) == ([2, 3], [0, 1])
    # without features of d, a has nothing to find
    task = graph.queries_and_candidates("T2E", np.array([True, True, True, False, True]))
    assert (task.queries.tolist(), task.candidates.tolist()) == ([1], [2, 4])


def test_retrieval_refuses_what_it_cannot_do():
    graph = small()
    with pytest.raises(ValueError, match="direction must be T2E or E2T; received 'E2E'"):
        graph.queries_and_candidates("E2E")
    with pytest.raises(ValueError, match=r"none of the 2 possible queries .* the 1 candidates"):
        graph.queries_and_candidates("T2E", np.array([True, True, False, False, True]))
    with pytest.raises(ValueError, match=r"has_features must be bool of the shape \(5,\)"):
        graph.queries_and_candidates("T2E", np.ones(4, bool))


@pytest.mark.parametrize("shown", [None, [[0, 4], [0, 2], [4, 1], [0, 4]]])
def test_what_is_saved_is_loaded(tmp_path, shown):
    graph = small(shown)
    graph.settings["rule"] = "session"
    graph.save(tmp_path / "graph")
    loaded = CoWatchGraph.load(tmp_path / "graph")
    assert loaded.settings == {"rule": "session"}
    assert loaded.ids.to_array().tolist() == [b"a", b"b", b"c", b"d", b"e"]
    for name in ("offsets", "neighbors", "weights", "is_eval", "shown_offsets", "shown_neighbors"):
        assert np.array_equal(getattr(loaded, name), getattr(graph, name)), name
    if shown is None:
        assert loaded.shown_offsets is None
    else:
        assert loaded.shown_offsets.tolist() == [0, 2, 2, 2, 2, 3]
        assert loaded.shown_neighbors.tolist() == [2, 4, 1]
    assert isinstance(loaded.neighbors.base, np.memmap)
    with pytest.raises(ValueError, match="already holds a co-watch graph"):
        graph.save(tmp_path / "graph")


def test_other_directories_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no co_watch_graph.json.*build-graph"):
        CoWatchGraph.load(tmp_path)
    with pytest.raises(ValueError, match="must be a local directory"):
        small().save("gs://bucket/graph")
    for text in ("{", "[]", '{"kind": "index"}'):
        (tmp_path / "co_watch_graph.json").write_text(text)
        with pytest.raises(ValueError, match="not the record of a co-watch graph"):
            CoWatchGraph.load(tmp_path)


def test_damage_is_found(tmp_path, forget_contents):
    small().save(tmp_path)
    forget_contents(tmp_path)
    (tmp_path / "weights.npy").rename(tmp_path / "kept")
    with pytest.raises(ValueError, match=r"weights.npy cannot be read"):
        CoWatchGraph.load(tmp_path)
    np.save(tmp_path / "weights.npy", np.ones(7, np.int32))
    with pytest.raises(ValueError, match=r"weights.npy must be .* \(8,\); it is .* \(7,\)"):
        CoWatchGraph.load(tmp_path)
    (tmp_path / "kept").replace(tmp_path / "weights.npy")
    offsets = np.load(tmp_path / "offsets.npy")
    np.save(tmp_path / "offsets.npy", offsets[::-1])
    with pytest.raises(ValueError, match="a co-watch graph, damaged: offsets must rise"):
        CoWatchGraph.load(tmp_path)
    np.save(tmp_path / "offsets.npy", offsets)
    record = json.loads((tmp_path / "co_watch_graph.json").read_text())
    record["num_edges"] = 5
    (tmp_path / "co_watch_graph.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"neighbors.npy must be .* \(10,\); it is .* \(8,\)"):
        CoWatchGraph.load(tmp_path)


def test_arrays_must_fit():
    ids = VideoIds("ab")
    good = {"offsets": [0, 1, 2], "neighbors": [1, 0], "weights": [3, 3], "is_eval": [False, True]}
    assert CoWatchGraph(ids, **good).num_edges == 1
    wrong = [
        ({"is_eval": [False]}, "is_eval must have the shape"),
        ({"weights": [3]}, "weights and neighbors"),
        ({"offsets": [0, 2]}, "offsets must rise"),
        ({"offsets": [0, 3, 2]}, "offsets must rise"),
        ({"offsets": [0, 1, 1]}, r"neighbors must have the shape \(1,\)"),
        ({"shown_offsets": [0, 0, 0]}, "must be given together"),
        ({"shown_offsets": [0, 0, 0], "shown_neighbors": [1]}, "shown_neighbors must have"),
    ]
    for change, message in wrong:
        with pytest.raises(ValueError, match=message):
            CoWatchGraph(ids, **{**good, **change})
    for edges in ([[0, 0]], [[0, 1], [1, 0]]):
        with pytest.raises(ValueError, match="edges must join two videos, each pair once"):
            CoWatchGraph.from_edges(ids, edges, np.ones(len(edges)), [False, False])
