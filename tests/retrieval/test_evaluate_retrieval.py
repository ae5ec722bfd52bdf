"""Evaluation of retrieval: values, partitions, quantised rows, going on, and what is refused."""

import csv
import math
import subprocess
import sys

import numpy as np
import pytest

from eval.retrieval import average_precision, mean_over_queries, ndcg
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph import co_watch_graph
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.program.command import UsageError
from yt8m_models.retrieval.evaluate_retrieval.__main__ import PROGRAM, main
from yt8m_models.retrieval.evaluation import evaluation, ranking
from yt8m_models.retrieval.evaluation.config import DIRECTIONS, EvaluateRetrievalConfig
from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
from yt8m_models.retrieval.index import Index

NUM_VIDEOS, SIZE = 150, 16


def random_graph(num_videos=NUM_VIDEOS, seed=0):
    rng = np.random.default_rng(seed)
    ids = [b"video%03d" % row for row in range(num_videos)]
    pairs = np.unique(np.sort(rng.integers(0, num_videos, (4 * num_videos, 2)), axis=1), axis=0)
    edges = pairs[pairs[:, 0] != pairs[:, 1]]
    weights = rng.integers(1, 9, len(edges))
    return CoWatchGraph.from_edges(VideoIds(ids), edges, weights, rng.random(num_videos) < 0.3)


def random_vectors(num_videos=NUM_VIDEOS, seed=1):
    return np.random.default_rng(seed).normal(size=(num_videos, SIZE)).astype(np.float32)


@pytest.fixture
def world(tmp_path):
    """A graph, and embeddings `a` and `b`; `b` lacks the first ten videos, and has others."""
    graph = random_graph()
    graph.save(tmp_path / "graph")
    Embeddings.write(tmp_path / "a", graph.ids.to_array(), random_vectors(), "model-a")
    others = [*graph.ids.to_array()[10:], b"not in the graph"]
    Embeddings.write(tmp_path / "b", others, random_vectors(NUM_VIDEOS - 9, 2), "model-b")
    return tmp_path


def config_of(world, *names, **changes):
    return EvaluateRetrievalConfig(
        graph_dir=f"{world}/graph",
        embeddings_dirs=tuple(f"{name}={world}/{name}" for name in names),
        output_dir=f"{world}/out",
        **changes,
    )


def expected(graph, task, vectors, gains="binary"):
    """Both measures from a dense matrix, by `eval.retrieval`."""
    relevance = graph.relevance(task.queries, task.candidates)
    scores = vectors[task.queries] @ vectors[task.candidates].T
    gain = relevance if gains == "graded" else relevance > 0
    return ndcg(gain, scores, 10, gains="linear"), average_precision(relevance, scores)


def test_a_query_by_hand(tmp_path):
    """Candidates c, d, e in this order, of which the query a was co-watched with c (1) and e (3).

    Binary: DCG = 1 + 1/log2(4), ideal 1 + 1/log2(3). Graded: DCG = 1 + 3/log2(4), ideal
    3 + 1/log2(3). AP = (1/1 + 2/3) / 2. The video b was co-watched with none: no query.
    """
    ids = VideoIds([b"a", b"b", b"c", b"d", b"e"])
    is_eval = np.array([False, False, True, True, True])
    graph = CoWatchGraph.from_edges(ids, np.array([[0, 2], [0, 4]]), np.array([1, 3]), is_eval)
    graph.save(tmp_path / "graph")
    angles = np.array([0.0, 0.5, 0.1, 0.2, 0.3])
    vectors = 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    Embeddings.write(tmp_path / "a", ids, vectors, "model")
    third = 1 / math.log2(3)
    for relevance, value in (("binary", 1.5 / (1 + third)), ("graded", 2.5 / (3 + third))):
        config = config_of(tmp_path, "a", bits=(32,), directions=("T2E",), relevance=relevance)
        found = evaluate_retrieval(config)
        (result,) = found.results.values()
        assert result.ndcg == pytest.approx(value, abs=1e-12)
        assert result.map == pytest.approx(5 / 6, abs=1e-12)
        assert (result.num_queries, result.num_candidates) == (1, 3)
        assert result.num_without_relevant == 1
    assert "T2E: 1 queries, 3 candidates; left out: 1 queries" in found.notes[1]


@pytest.mark.parametrize("gains", ["binary", "graded"])
@pytest.mark.parametrize("is_tied", [False, True])
def test_equal_to_the_metrics_of_dense_matrices(gains, is_tied, monkeypatch):
    """In blocks of 7 queries and 16 candidates; with vectors of few values many scores tie."""
    monkeypatch.setattr(ranking, "_QUERIES", 30)
    monkeypatch.setattr(ranking, "_CANDIDATES", 16)
    monkeypatch.setattr(ranking, "_SCORES", 7 * 50)
    graph, vectors, done = random_graph(), random_vectors(), []
    if is_tied:
        vectors = np.sign(vectors) * (np.arange(SIZE) < 3)
    for direction in DIRECTIONS:
        task = graph.queries_and_candidates(direction)
        quality = ranking.retrieval_quality(
            graph, task, lambda rows: vectors[rows], 10, gains == "graded", done.append
        )
        for received, wanted in zip(quality, expected(graph, task, vectors, gains), strict=True):
            np.testing.assert_allclose(received, wanted, rtol=1e-12)
    assert sum(done) == sum(len(graph.queries_and_candidates(each).queries) for each in DIRECTIONS)
    assert max(done) < 15


def test_constant_embeddings_are_as_good_as_a_random_order():
    """All candidates tie: AP is its mean over all orders of them.

    In these a relevant candidate is at each rank k equally often, and k - 1 others are above it, of
    which a share of (r - 1) / (n - 1) is relevant.
    """
    graph = random_graph()
    task = graph.queries_and_candidates("T2E")
    ones = np.ones((NUM_VIDEOS, 4), np.float32)
    quality = ranking.retrieval_quality(graph, task, lambda rows: ones[rows], 10)
    ranks = np.arange(1, len(task.candidates) + 1)
    for count, received in zip(
        np.sum(graph.relevance(*task) > 0, axis=1), quality.average_precision, strict=True
    ):
        found = 1 + (ranks - 1) * (count - 1) / (len(ranks) - 1)
        assert received == pytest.approx(np.mean(found / ranks), rel=1e-12)


def test_queries_with_nothing_to_find_are_refused():
    graph = random_graph()
    task = graph.queries_and_candidates("T2E")._replace(candidates=np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="queries must be co-watched with a candidate; row"):
        ranking.retrieval_quality(graph, task, lambda rows: random_vectors()[rows], 10)


def test_all_rows_are_measured_on_the_same_videos(world):
    """Exact and quantised, of the videos that both embeddings have."""
    found = evaluate_retrieval(config_of(world, "a", "b"))
    assert list(found.results) == [
        (name, bits, direction)
        for name in "ab"
        for bits in (32, 8, 4, 2)
        for direction in ("T2E", "E2T")
    ]
    graph = CoWatchGraph.load(world / "graph")
    is_known = np.arange(NUM_VIDEOS) >= 10
    for name in "ab":
        embeddings = Embeddings.load(world / name)
        rows = embeddings.ids.rows(graph.ids.to_array())
        for bits in (32, 8, 2):
            index = Index.build(embeddings, None if bits == 32 else bits)
            vectors = index.vectors(np.maximum(rows, 0))
            for direction in DIRECTIONS:
                task = graph.queries_and_candidates(direction, is_known)
                result = found.results[name, bits, direction]
                values = expected(graph, task, vectors)
                assert result.ndcg == pytest.approx(mean_over_queries(values[0]), rel=1e-6)
                assert result.map == pytest.approx(mean_over_queries(values[1]), rel=1e-6)
                assert result.bytes_per_video == SIZE * bits // 8
                is_query = is_known & (graph.is_eval == (direction == "E2T"))
                assert result.num_queries == len(task.queries)
                assert result.num_without_relevant == is_query.sum() - len(task.queries)
    assert found.notes[0] == "150 videos in the graph, 140 of them with embeddings."
    with open(world / "out" / "results.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(row["embedding"], row["bits"], row["direction"]) for row in lines] == [
        tuple(map(str, key)) for key in found.results
    ]
    assert float(lines[0]["ndcg"]) == found.results["a", 32, "T2E"].ndcg
    text = (world / "out" / "results.md").read_text()
    assert "| embedding | bits | bytes a video | T2E NDCG@10 | T2E MAP | E2T NDCG@10 |" in text
    assert f"| b | 4 | 8 | {found.results['b', 4, 'T2E'].ndcg:.4f} |" in text


def test_queries_are_drawn_by_the_seed(world):
    graph = CoWatchGraph.load(world / "graph")
    task = graph.queries_and_candidates("T2E")
    arguments = {"bits": (32,), "directions": ("T2E",), "max_queries": 20}
    values = []
    for seed in (3, 3, 4):
        config = config_of(world, "a", seed=seed, **arguments)
        found = evaluate_retrieval(config)
        (result,) = found.results.values()
        assert (result.num_queries, result.num_candidates) == (20, len(task.candidates))
        assert f"T2E: 20 of {len(task.queries)} queries" in found.notes[1]
        values.append(result.ndcg)
    assert values[0] == values[1] != values[2]


def test_an_interrupted_run_goes_on(world, monkeypatch):
    config = config_of(world, "a", bits=(32, 4))
    wanted = evaluate_retrieval(config).results
    (world / "out" / "results.json").unlink()
    measure, measured = evaluation.retrieval_quality, []

    def interrupted(*arguments):
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(arguments)
        return measure(*arguments)

    monkeypatch.setattr(evaluation, "retrieval_quality", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate_retrieval(config)
    lines = (world / "out" / "results.csv").read_text().splitlines()
    assert len(lines) == 1 + 3
    measured.clear()
    found = evaluate_retrieval(config).results
    assert len(measured) == 1
    assert {key: result.ndcg for key, result in found.items()} == {
        key: result.ndcg for key, result in wanted.items()
    }


def test_results_of_other_embeddings_are_not_taken(world):
    """The same model and ids, other vectors: measured again."""
    arguments = {"bits": (32,), "directions": ("T2E",)}
    first = evaluate_retrieval(config_of(world, "a", **arguments)).results["a", 32, "T2E"]
    graph = CoWatchGraph.load(world / "graph")
    Embeddings.write(world / "c", graph.ids.to_array(), random_vectors(seed=9), "model-a")
    config = config_of(world, "c", **arguments)
    assert evaluate_retrieval(config).results["c", 32, "T2E"].ndcg != first.ndcg


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--embeddings_dirs=a", "--embeddings_dirs must be name=directory"),
        ("--embeddings_dirs=", "--embeddings_dirs must be given; received nothing"),
        ("--embeddings_dirs=a=x,a=y", "--embeddings_dirs must have different names; received a, a"),
        ("--embeddings_dirs=a=x --bits=16", "--bits=16: must be one of 32, 8, 4, 2"),
        ("--embeddings_dirs=a=x --bits=", "--bits must be given; received nothing"),
        ("--embeddings_dirs=a=x --directions=T2T", "--directions=T2T: did you mean T2E"),
        ("--embeddings_dirs=a=x --top_k=0", "--top_k must be at least 1; received 0"),
        ("--embeddings_dirs=a=x --max_queries=-1", "--max_queries must be at least 0"),
        ("--embeddings_dirs=a=x --relevance=yes", "--relevance=yes"),
        ("--embeddings_dirs=a=x --graph_dir=", "--graph_dir must be given"),
    ],
)
def test_mistakes_in_the_command_line(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["--graph_dir=g", "--output_dir=o", *flags.split()])


def test_what_is_refused(world):
    with pytest.raises(ValueError, match=r"graph holds no embeddings\.json"):
        evaluate_retrieval(config_of(world, "graph"))
    with pytest.raises(ValueError, match=r"a holds no co_watch_graph\.json"):
        evaluate_retrieval(
            EvaluateRetrievalConfig(f"{world}/a", (f"a={world}/a",), output_dir=f"{world}/out")
        )
    Embeddings.write(world / "other", [b"x", b"y"], np.eye(2), "model")
    with pytest.raises(
        ValueError, match=r"graph and .*other have no id in common: .* 'video000' and 'x'"
    ):
        evaluate_retrieval(config_of(world, "other"))
    Embeddings.write(world / "one", [b"x", b"video000"], np.eye(2), "model")
    with pytest.raises(ValueError, match=r"none of the [01] possible queries was co-watched"):
        evaluate_retrieval(config_of(world, "one"))
    assert not (world / "out" / "results.csv").exists()
    (world / "out").mkdir(exist_ok=True)
    (world / "out" / "results.json").write_text("[]")
    with pytest.raises(ValueError, match=r"out/results\.json is not a result"):
        evaluate_retrieval(config_of(world, "a"))


@pytest.mark.parametrize("bits", [32, 4])
def test_an_embedding_that_is_not_finite_is_named(world, bits, forget_contents):
    forget_contents(world / "a")
    path = world / "a" / "embeddings-00000.npy"
    vectors = np.load(path)
    vectors[7, 3] = np.nan
    np.save(path, vectors)
    with pytest.raises(ValueError, match="embedding of video 'video007' is not finite"):
        evaluate_retrieval(config_of(world, "a", bits=(bits,)))


def test_program(world, capsys):
    flags = [f"--graph_dir={world}/graph", f"--output_dir={world}/out", "--bits=32,4"]
    main(PROGRAM.parse([*flags, f"--embeddings_dirs=first={world}/a,second={world}/b"]))
    printed = capsys.readouterr()
    assert "| second | 4 | 8 |" in printed.out
    assert "150 videos in the graph, 140 of them with embeddings." in printed.out
    assert "first, 32 bits, T2E: NDCG@10 0." in printed.err


def test_flags_import_no_numpy():
    code = (
        "import sys, yt8m_models.retrieval.evaluate_retrieval.__main__ as m; m.PROGRAM.help(); "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert DIRECTIONS == co_watch_graph.DIRECTIONS
