"""`POST /search`: the videos of an index that are most similar to others."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, as_bytes
from yt8m_models.export.serve.bodies import array_of_bytes, ids_or_vectors, require_few
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.endpoint import JSON, Endpoint
from yt8m_models.export.serve.metrics import SEARCHES
from yt8m_models.retrieval.index import Index

_TOP_K = 10


class Query(NamedTuple):
    """What is searched with.

    Attributes:
        name: the id of a video of the index, or nothing.
        vector: float32 `(d,)`.
        own: its row, which is no result; `UNKNOWN` of other vectors.
        top_k: how many videos to find.
    """

    name: str
    vector: np.ndarray
    own: int
    top_k: int


class Searches(Endpoint[Query, tuple[np.ndarray, np.ndarray]]):
    """Searches of an index, of the queries of all requests at once.

    Args:
        index: what is searched.
        config: the limits.
    """

    most_top_k = 1000

    def __init__(self, index: Index, config: ServeConfig) -> None:
        super().__init__(config, SEARCHES)
        self.index = index

    @property
    def default_top_k(self) -> int:
        return _TOP_K

    def read(self, content_type: str, body: bytes, top_k: int) -> list[Query]:
        most = self.config.max_videos
        if content_type != JSON:
            array = array_of_bytes(body)
            return self._of_vectors(array[None] if array.ndim == 1 else array, top_k)
        ids, vectors = ids_or_vectors(body)
        if ids is None:
            return self._of_vectors(vectors, top_k)
        require_few(len(ids), most)
        rows = self.index.ids.rows(as_bytes([name.encode(errors="replace") for name in ids]))
        for name, row in zip(ids, rows, strict=True):
            if row == UNKNOWN:
                raise ValueError(f"the index has no video {name[:80]!r}")
        found = zip(ids, self.index.vectors(rows), rows.tolist(), strict=True)
        return [Query(name, vector, row, top_k) for name, vector, row in found]

    def _of_vectors(self, vectors: np.ndarray, top_k: int) -> list[Query]:
        size = self.index.size
        if vectors.ndim != 2 or vectors.shape[1] != size or not len(vectors):
            raise ValueError(
                f"vectors must be one or more of {size} numbers; their shape is {vectors.shape}"
            )
        require_few(len(vectors), self.config.max_videos)
        with np.errstate(over="ignore"):
            vectors = vectors.astype(np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError("vectors must have finite numbers that float32 can hold")
        return [Query("", vector, UNKNOWN, top_k) for vector in vectors]

    def find(self, asked: Sequence[Query]) -> list[tuple[np.ndarray, np.ndarray]]:
        vectors = np.stack([query.vector for query in asked])
        own = [np.array([query.own]) for query in asked]
        scores, rows = self.index.search(vectors, max(query.top_k for query in asked), own)
        return list(zip(scores, rows, strict=True))

    def warm_up(self) -> None:
        self.find([Query("", self.index.vectors(np.zeros(1, int))[0], UNKNOWN, _TOP_K)])

    def tell(
        self, asked: list[Query], found: list[tuple[np.ndarray, np.ndarray]], top_k: int
    ) -> Mapping[str, Any]:
        return {"neighbours": [self._told(*each) for each in zip(asked, found, strict=True)]}

    def _told(self, query: Query, found: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
        scores, rows = (values[: query.top_k] for values in found)
        ids = self.index.ids[rows[rows != UNKNOWN]]
        return {
            "id": query.name,
            "ids": [video_id.decode(errors="replace") for video_id in ids],
            "scores": scores[rows != UNKNOWN].tolist(),
        }
