"""Measuring embeddings on a co-watch graph."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.retrieval_task import RetrievalTask
from yt8m_models.program.progress import Progress
from yt8m_models.retrieval.evaluation.config import EvaluateRetrievalConfig
from yt8m_models.retrieval.evaluation.ranking import retrieval_quality
from yt8m_models.retrieval.evaluation.report import Results, write_report
from yt8m_models.retrieval.evaluation.results import KeptResults, RetrievalResult
from yt8m_models.retrieval.evaluation.row_vectors import RowVectors
from yt8m_models.storage import filesystems

_SAMPLE = 256


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes:
        results: by the name of the embeddings, bits and direction.
        notes: lines on what was left out.
    """

    results: Results
    notes: list[str]


@dataclass(frozen=True)
class _Task:
    """Queries and candidates, and how many queries have nothing to find or were not drawn."""

    videos: RetrievalTask
    num_without_relevant: int
    num_not_drawn: int


def evaluate_retrieval(config: EvaluateRetrievalConfig, progress: bool = False) -> Evaluation:
    """Measures what is not measured yet, and writes the report of all that is.

    Queries and candidates are the videos of the two partitions of the graph that all embeddings
    have. Similarity is the cosine; quantised vectors are those that an index of them has, for
    queries and candidates. Exact vectors stay on disk, codes are in memory.

    Args:
        config: which embeddings, and how.
        progress: show progress on stderr.

    Raises:
        ValueError: a directory is not what it should be, no query has anything to find, or an
            embedding is not finite.
    """
    filesystems.require(config.output_dir)
    graph = CoWatchGraph.load(config.graph_dir)
    embeddings = {name: Embeddings.load(path) for name, path in config.directories.items()}
    is_known = np.ones(len(graph), bool)
    for each in embeddings.values():
        is_known &= each.ids.rows(graph.ids.ids) != UNKNOWN
    tasks = {
        direction: _task(graph, direction, is_known, config) for direction in config.directions
    }
    notes = _notes(config, graph, is_known, tasks)
    tf.io.gfile.makedirs(config.output_dir)
    kept = KeptResults(config.output_dir)
    results: dict[tuple[str, int, str], RetrievalResult] = {}
    of_graph = _fingerprint(graph, is_known)
    wanted = [(name, bits) for name in embeddings for bits in config.bits]
    num_queries = len(wanted) * sum(len(each.videos.queries) for each in tasks.values())
    with Progress(num_queries, "queries", "retrieval", enabled=progress) as bar:
        for name, bits in wanted:
            vectors = RowVectors(graph, embeddings[name], bits)
            for direction, task in tasks.items():
                key = _key(config, embeddings[name], bits, direction, of_graph)
                result = kept.get(key)
                if result is None:
                    result = _measured(config, graph, direction, task, vectors, bar.update)
                    kept.add(key, result)
                else:
                    bar.update(result.num_queries)
                results[name, bits, direction] = result
                write_report(config.output_dir, results, config.top_k, notes)
                bar.write(
                    f"{name}, {bits} bits, {direction}: NDCG@{config.top_k} {result.ndcg:.4f}, "
                    f"MAP {result.map:.4f}"
                )
    return Evaluation(results, notes)


def _task(
    graph: CoWatchGraph, direction: str, is_known: np.ndarray, config: EvaluateRetrievalConfig
) -> _Task:
    queries, candidates = graph.queries_and_candidates(direction, is_known)
    is_possible = is_known & (graph.is_eval if direction == "E2T" else ~graph.is_eval)
    num_without = int(np.count_nonzero(is_possible)) - len(queries)
    count = min(len(queries), config.max_queries) if config.max_queries else len(queries)
    num_not_drawn = len(queries) - count
    if num_not_drawn:
        rng = np.random.default_rng(config.seed)
        queries = np.sort(rng.choice(queries, count, replace=False))
    return _Task(RetrievalTask(queries, candidates), num_without, num_not_drawn)


def _notes(
    config: EvaluateRetrievalConfig,
    graph: CoWatchGraph,
    is_known: np.ndarray,
    tasks: dict[str, _Task],
) -> list[str]:
    num_known = int(np.count_nonzero(is_known))
    notes = [f"{len(graph):,} videos in the graph, {num_known:,} of them with embeddings."]
    for direction, each in tasks.items():
        num_queries, num_candidates = map(len, each.videos)
        drawn = f" of {num_queries + each.num_not_drawn:,}" if each.num_not_drawn else ""
        notes.append(
            f"{direction}: {num_queries:,}{drawn} queries, {num_candidates:,} candidates; left "
            f"out: {each.num_without_relevant:,} queries that were co-watched with no candidate."
        )
    gain = "the users who co-watched both" if config.relevance == "graded" else "1"
    notes.append(f"The gain of a co-watched candidate in NDCG@{config.top_k} is {gain}.")
    return notes


def _measured(
    config: EvaluateRetrievalConfig,
    graph: CoWatchGraph,
    direction: str,
    task: _Task,
    vectors: RowVectors,
    on_queries: Callable[[int], None],
) -> RetrievalResult:
    start = time.monotonic()
    is_graded = config.relevance == "graded"
    quality = retrieval_quality(graph, task.videos, vectors, config.top_k, is_graded, on_queries)
    return RetrievalResult(
        model=vectors.embeddings.model,
        bits=vectors.bits,
        bytes_per_video=vectors.bytes_per_video,
        direction=direction,
        ndcg=float(quality.ndcg.mean()),
        map=float(quality.average_precision.mean()),
        num_queries=len(task.videos.queries),
        num_candidates=len(task.videos.candidates),
        num_without_relevant=task.num_without_relevant,
        seconds=round(time.monotonic() - start, 2),
    )


def _key(
    config: EvaluateRetrievalConfig,
    embeddings: Embeddings,
    bits: int,
    direction: str,
    of_graph: str,
) -> str:
    """All that a result depends on."""
    rows = np.linspace(0, len(embeddings) - 1, min(_SAMPLE, len(embeddings))).astype(int)
    sample = hashlib.sha256(embeddings.take(rows).data).hexdigest()[:16]
    settings = [config.top_k, config.relevance, config.max_queries, config.seed]
    parts = [embeddings.model, len(embeddings), sample, bits, direction, *settings, of_graph]
    return json.dumps(parts)


def _fingerprint(graph: CoWatchGraph, is_known: np.ndarray) -> str:
    """A hash of the graph and of the videos that are looked at."""
    digest = hashlib.sha256()
    arrays = (graph.ids.ids, graph.offsets, graph.neighbors, graph.weights, graph.is_eval, is_known)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
