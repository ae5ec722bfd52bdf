"""Embeddings by the rows of a graph, as they are or quantised."""

from functools import cached_property

import numpy as np

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.retrieval.index import Index, unit_vectors

EXACT = 32


class RowVectors:
    """Gives the L2-normalised embeddings of rows of a graph.

    Quantised vectors are those that an index of all the embeddings has; it is built in memory when
    the first one is needed. Exact vectors stay on disk.

    Args:
        graph: the graph.
        embeddings: of its videos, or of some of them.
        bits: of a dimension: 2, 4, 8, or 32 for exact vectors.
    """

    def __init__(self, graph: CoWatchGraph, embeddings: Embeddings, bits: int) -> None:
        self.embeddings = embeddings
        self.bits = bits
        self._rows = embeddings.ids.rows(graph.ids.ids)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The vectors of rows `(n,)` of the graph, float32 `(n, d)`.

        Raises:
            ValueError: a video has no embedding, or one is not finite (the video is named).
        """
        if self.bits == EXACT:
            return unit_vectors(self.embeddings, self._rows[rows])
        return self._index.vectors(self._rows[rows])

    @property
    def bytes_per_video(self) -> int:
        """What a vector takes."""
        return -(-self.embeddings.size * self.bits // 8)

    @cached_property
    def _index(self) -> Index:
        return Index.build(self.embeddings, self.bits)
