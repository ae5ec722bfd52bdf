"""Search of quantised and approximate indices against exact search, on 200,000 x 256 embeddings."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.timing import in_turn, timed
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.extras import require
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.stored_vectors import l2_normalized

_NUM_VIDEOS = 200_000
_SIZE = 256
_TOPICS = 2000
_LATENT = 48
_NUM_QUERIES = 1000
_K = 10
_REPEATS = 3


def figures(workdir: Path, num_videos: int = _NUM_VIDEOS) -> list[Figure]:
    """For 2, 4 and 8 bits and for inverted lists: speed over exact search, recall@10, bytes.

    Recall is the share of the ten best videos by exact search that are among the ten found. Speed
    is of queries one by one, as of a server, and in the detail of 1,000 at once, where exact search
    is a product of large matrices. Queries are perturbed videos. The exact search that the others
    are compared with is the index's own; FAISS's flat index is in the detail beside it.

    Args:
        workdir: receives the indices, which are read back from there.
        num_videos: how many; more show what memory-mapping is for.

    Raises:
        ValueError: FAISS is not installed, or it disagrees with the exact search, so that a
            comparison of their speed would mean nothing.
    """
    embeddings, queries = _world(num_videos)
    exact = _saved(embeddings, workdir / "exact")
    expected = exact.search(queries, _K)[1]
    flat = _faiss(embeddings.vectors(), queries, expected)
    one, many = _seconds(exact, queries)
    measured = [
        Figure(
            "exact search, one query at a time",
            value=one * 1e3,
            unit="ms",
            at_most=True,
            detail={"batch_ms": many * 1e3, "bytes": exact.bytes_per_video, **flat},
        )
    ]
    for name, options in (
        ("2 bits", {"bits": 2}),
        ("4 bits", {"bits": 4}),
        ("8 bits", {"bits": 8}),
        ("inverted lists", {"approximate": True}),
    ):
        index, build_seconds = timed(partial(_saved, embeddings, workdir / name, **options))
        of_one, of_many = _seconds(index, queries)
        found = index.search(queries, _K)[1]
        recall = np.mean([np.isin(*rows).mean() for rows in zip(expected, found, strict=True)])
        detail = {
            "ms": of_one * 1e3,
            "batch_ms": of_many * 1e3,
            "batch_speed": many / of_many,
            "build_seconds": build_seconds,
        }
        measured += [
            Figure(f"search in {name}, over exact", one / of_one, detail=detail),
            Figure(f"recall@{_K} of {name}", float(recall), unit=""),
        ]
        if "approximate" not in options:
            size = index.bytes_per_video
            measured.append(Figure(f"a video at {name}", size, unit="bytes", at_most=True))
    return measured


def _world(num_videos: int) -> tuple[Embeddings, np.ndarray]:
    """Embeddings of topics in a space of fewer dimensions, with noise in all; and queries."""
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(_TOPICS, _LATENT)).astype(np.float32)
    shown = rng.normal(size=(_LATENT, _SIZE)).astype(np.float32)
    vectors = np.empty((num_videos, _SIZE), np.float32)
    for start in range(0, num_videos, 10_000):
        part = vectors[start : start + 10_000]
        latent = topics[rng.integers(_TOPICS, size=len(part))]
        latent = latent + 0.6 * rng.standard_normal(latent.shape, np.float32)
        part[:] = l2_normalized(latent @ shown + rng.standard_normal(part.shape, np.float32))
    queries = vectors[rng.choice(num_videos, _NUM_QUERIES, replace=False)]
    queries = l2_normalized(queries + 0.02 * rng.standard_normal(queries.shape, np.float32))
    ids = VideoIds(np.array([f"{row:08}" for row in range(num_videos)], "S8"))
    return Embeddings(ids, [vectors], "benchmark", _SIZE), queries


def _saved(embeddings: Embeddings, directory: Path, **options: Any) -> Index:
    Index.build(embeddings, **options).save(directory)
    return Index.load(directory)


def _seconds(index: Any, queries: np.ndarray) -> tuple[float, float]:
    """The least seconds a query takes in one of FAISS's indices or ours: alone, and of 1,000."""
    few = queries[:10]
    (one,) = in_turn(_REPEATS, lambda: [index.search(query[None], _K) for query in few])
    (many,) = in_turn(_REPEATS, lambda: index.search(queries, _K))
    return min(one) / len(few), min(many) / len(queries)


def _faiss(vectors: np.ndarray, queries: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """FAISS's exact search, in the same units."""
    index = require("faiss").IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    if np.mean(index.search(queries, _K)[1] == expected) < 0.999:
        raise ValueError("FAISS and the exact index find different videos")
    one, many = _seconds(index, queries)
    return {"faiss_ms": one * 1e3, "faiss_batch_ms": many * 1e3}
