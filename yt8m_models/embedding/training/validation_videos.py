"""Training videos that are kept out of the triplets, and how the model is chosen by them."""

import hashlib
from typing import NamedTuple

import numpy as np

from eval.retrieval import ndcg
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.training.history import Row
from yt8m_models.training.validation import Measure
from yt8m_models.training.workers import Workers

_DEPTH = 10


class ValidationVideos(NamedTuple):
    """Queries and what is to be retrieved for them, as T2E retrieval within the training videos.

    Attributes:
        queries: rows of the graph, videos that are trained on, int64 `(q,)`.
        candidates: rows of the graph, videos that are not, int64 `(c,)`.
        relevance: whether a query and a candidate were co-watched, bool `(q, c)`.
    """

    queries: np.ndarray
    candidates: np.ndarray
    relevance: np.ndarray

    def fingerprint(self, ids: VideoIds) -> str:
        """A hash of the videos, whose ids `ids` are by row of the graph."""
        digest = hashlib.sha256()
        for rows in (self.queries, self.candidates):
            digest.update(b"\n".join(ids[rows].tolist()))
        return digest.hexdigest()[:16]


def draw_validation_videos(
    graph: CoWatchGraph,
    usable: np.ndarray,
    fraction: float,
    max_candidates: int,
    max_queries: int,
    seed: int,
) -> ValidationVideos:
    """Draws candidates among the training videos, and queries among those co-watched with them.

    Args:
        graph: the co-watch graph.
        usable: which videos have features, bool `(n,)`.
        fraction: share of the training videos with features that are candidates.
        max_candidates: how many there are at most.
        max_queries: how many queries there are at most.
        seed: another one draws others.

    Raises:
        ValueError: no training video was co-watched with a candidate.
    """
    rng = np.random.default_rng([seed, 1])
    is_training = usable & ~graph.is_eval
    training = np.flatnonzero(is_training)
    count = min(round(fraction * len(training)), max_candidates)
    candidates = np.sort(rng.choice(training, count, replace=False))
    is_training[candidates] = False
    others = np.flatnonzero(is_training)
    _, places, _ = graph.edges_between(candidates, others)
    queries = others[np.unique(places)]
    if not len(queries):
        raise ValueError(
            f"--validation_fraction={fraction}: none of the {count:,} videos that are kept out was "
            f"co-watched with another of the {len(training):,} training videos with features; "
            "keep out more, or none at all"
        )
    if len(queries) > max_queries:
        queries = np.sort(rng.choice(queries, max_queries, replace=False))
    return ValidationVideos(queries, candidates, graph.relevance(queries, candidates) > 0)


class RetrievalMeasure(Measure):
    """How well the validation videos are retrieved.

    It is the mean over queries of NDCG@10 by cosine similarity, each co-watched candidate counting
    alike.

    Args:
        videos: queries and candidates.
        feature_rows: the row in the features of each video of the graph.
        embedder: of the model in training.
        workers: each of which embeds a part of the videos.
    """

    columns = ("ndcg", "num_queries", "num_candidates")
    best = "ndcg"
    is_loss = False

    def __init__(
        self,
        videos: ValidationVideos,
        feature_rows: np.ndarray,
        embedder: Embedder,
        workers: Workers | None = None,
    ) -> None:
        self.videos = videos
        self.feature_rows = feature_rows
        self.embedder = embedder
        self.workers = Workers() if workers is None else workers

    def __call__(self) -> Row:
        queries, candidates, relevance = self.videos
        embeddings = self._embeddings(self.feature_rows[np.concatenate([queries, candidates])])
        scores = embeddings[: len(queries)] @ embeddings[len(queries) :].T
        return {
            "ndcg": float(np.mean(ndcg(relevance, scores, _DEPTH))),
            "num_queries": len(queries),
            "num_candidates": len(candidates),
        }

    def _embeddings(self, rows: np.ndarray) -> np.ndarray:
        workers = self.workers
        own = self.embedder(rows[workers.index :: workers.count])
        embeddings = np.empty((len(rows), own.shape[1]), own.dtype)
        for index, part in enumerate(workers.gathered({"own": own})):
            embeddings[index :: workers.count] = part["own"]
        return embeddings

    def describe(self, row: Row) -> str:
        return f"NDCG@{_DEPTH} {row['ndcg']:.4f} of {row['num_queries']:,} queries"
