"""Measuring embeddings on a co-watch graph."""

import functools
import hashlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.co_watch_graph import CoWatchGraph, RetrievalTask
from yt8m_models.program.progress import Progress
from yt8m_models.retrieval.evaluation.config import EXACT, EvaluateRetrievalConfig
from yt8m_models.retrieval.evaluation.ranking import retrieval_quality
from yt8m_models.retrieval.evaluation.results import Results, RetrievalResult, write_report
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.stored_vectors import unit_vectors
from yt8m_models.storage import filesystems
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import join

_SAMPLE = 256
_TIES = "all orders"  # of average precision: results with another policy are not taken up


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
    for name, path in config.directories.items():
        whose, here = f"the graph in {config.graph_dir}", f"the embeddings in {path}"
        is_known &= embeddings[name].ids.matched_rows(graph.ids, whose, here) != UNKNOWN
    tasks = {
        direction: _task(graph, direction, is_known, config) for direction in config.directions
    }
    notes = _notes(config, graph, is_known, tasks)
    tf.io.gfile.makedirs(config.output_dir)
    path = join(config.output_dir, "results.json")
    kept = read_result(path, _results) or {}
    results: dict[tuple[str, int, str], RetrievalResult] = {}
    of_graph = _fingerprint(graph, is_known)
    wanted = list(itertools.product(embeddings, config.bits))
    num_queries = len(wanted) * sum(len(each.videos.queries) for each in tasks.values())
    with Progress(num_queries, "queries", "retrieval", enabled=progress) as bar:
        for name, bits in wanted:
            vectors = _vectors(graph, embeddings[name], bits)
            for direction, task in tasks.items():
                key = _key(config, embeddings[name], bits, direction, of_graph)
                if key in kept:
                    bar.update(kept[key].num_queries)
                else:
                    start = time.monotonic()
                    quality = retrieval_quality(
                        graph,
                        task.videos,
                        vectors,
                        config.top_k,
                        config.relevance == "graded",
                        bar.update,
                    )
                    kept[key] = RetrievalResult(
                        model=embeddings[name].model,
                        bits=bits,
                        bytes_per_video=-(-embeddings[name].size * bits // 8),
                        direction=direction,
                        ndcg=float(quality.ndcg.mean()),
                        map=float(quality.average_precision.mean()),
                        num_queries=len(task.videos.queries),
                        num_candidates=len(task.videos.candidates),
                        num_without_relevant=task.num_without_relevant,
                        seconds=round(time.monotonic() - start, 2),
                    )
                    write_result(path, {key: asdict(result) for key, result in kept.items()})
                result = results[name, bits, direction] = kept[key]
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


def _vectors(
    graph: CoWatchGraph, embeddings: Embeddings, bits: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Gives the L2-normalised embeddings of rows of the graph; exact ones stay on disk.

    Quantised ones are those of an index of all embeddings, built when the first is needed.
    """
    rows_of = embeddings.ids.rows(graph.ids)
    if bits == EXACT:
        return lambda rows: unit_vectors(embeddings, rows_of[rows])
    index = functools.cache(lambda: Index.build(embeddings, bits))
    return lambda rows: index().vectors(rows_of[rows])


def _results(record: dict[str, Any]) -> dict[str, RetrievalResult]:
    """Those of an earlier run, each by a key of all that it depends on."""
    return {key: RetrievalResult(**result) for key, result in record.items()}


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
    settings = [config.top_k, config.relevance, config.max_queries, config.seed, _TIES]
    parts = [embeddings.model, len(embeddings), sample, bits, direction, *settings, of_graph]
    return json.dumps(parts)


def _fingerprint(graph: CoWatchGraph, is_known: np.ndarray) -> str:
    """A hash of the graph and of the videos that are looked at."""
    digest = hashlib.sha256(f"|S{graph.ids.width} ({len(graph)},) ".encode())
    for block in graph.ids.blocks():
        digest.update(block.data)
    arrays = (graph.offsets, graph.neighbors, graph.weights, graph.is_eval, is_known)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
