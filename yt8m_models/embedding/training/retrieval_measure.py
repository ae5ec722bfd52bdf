"""What an embedding is validated by."""

import numpy as np

from eval.retrieval import ndcg
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.training.validation_videos import ValidationVideos
from yt8m_models.training.history import Row
from yt8m_models.training.validation import Measure

_DEPTH = 10


class RetrievalMeasure(Measure):
    """How well the validation videos are retrieved.

    It is the mean over queries of NDCG@10 by cosine similarity, each co-watched candidate counting
    alike.

    Args:
        videos: queries and candidates.
        feature_rows: the row in the features of each video of the graph.
        embedder: of the model in training.
    """

    columns = ("ndcg", "num_queries", "num_candidates")
    best = "ndcg"
    is_loss = False

    def __init__(
        self, videos: ValidationVideos, feature_rows: np.ndarray, embedder: Embedder
    ) -> None:
        self.videos = videos
        self.feature_rows = feature_rows
        self.embedder = embedder

    def __call__(self) -> Row:
        queries, candidates, relevance = self.videos
        embeddings = self.embedder(self.feature_rows[np.concatenate([queries, candidates])])
        scores = embeddings[: len(queries)] @ embeddings[len(queries) :].T
        return {
            "ndcg": float(np.mean(ndcg(relevance, scores, _DEPTH))),
            "num_queries": len(queries),
            "num_candidates": len(candidates),
        }

    def describe(self, row: Row) -> str:
        return f"NDCG@{_DEPTH} {row['ndcg']:.4f} of {row['num_queries']:,} queries"
