"""Search of the most similar videos."""

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.fast_scan import FastScan
from yt8m_models.retrieval.inverted_lists import InvertedLists
from yt8m_models.retrieval.quantizer import BITS
from yt8m_models.retrieval.stored_vectors import StoredVectors, l2_normalized
from yt8m_models.retrieval.top_k import TopK
from yt8m_models.storage.artifact_dir import ArtifactDir


def _bits(value: int | None) -> int | None:
    if value is not None and value not in BITS:
        raise ValueError(f"bits must be 2, 4, 8 or null; it is {value!r}")
    return value


INDEX = ArtifactDir(
    "index.json",
    ("index",),
    "an index",
    "yt8m build-index",
    __version__,
    {"model": str, "size": int, "count": int, "bits": _bits, "approximate": bool},
)
_LISTS = "lists.faiss"

_FIRST_ROWS, _MOST_ROWS = 1024, 16384  # of the blocks that all queries are compared with
_SCORES = 1 << 24  # in memory at a time
_VALUES = 1 << 23
_FEW_QUERIES = 4


class Index:
    """Embeddings of videos, searched by cosine similarity.

        score(q, v) = q / |q| · v̂        v̂ = v / |v|, or what its quantised code stands for

    A quantised vector is not normalised again: it is the code's values that minimise the squared
    error, and the query stays exact, as in CDML section 4.1.3. Scores are then cosines up to the
    quantisation error, and may exceed 1 by it. A vector of zeros has the score 0.

    How it searches, in memory that does not grow with the number of videos:

    - exact: blocks of vectors, by one matrix product for all queries.
    - 2 and 4 bits: look-ups in tables (`FastScan`), from which the best are ranked again by their
      exact scores. Where these show that the rounding of the tables could have hidden one of the k
      best, the query is answered by blocks that are decoded.
    - 8 bits: look-ups for up to 4 queries; for more, blocks that are decoded, which take less time
      then. Without FAISS, at any bits.
    - approximate: the same scores, of the videos in those cells alone that are nearest to the query
      (`InvertedLists`); of more cells where these have fewer than k.

    Args:
        ids: the video of each row.
        model: whose embeddings these are, `Embeddings.model`.
        stored: their vectors.
        lists: for approximate search.

    Attributes:
        ids, model: as above.
        size: d.
        bits: of a dimension: 2, 4, 8, or `None` where the vectors are exact.

    Example:
        >>> index = Index.build(Embeddings.load(directory), bits=4)
        >>> scores, rows = index.search(index.vectors([0, 1]), k=10)
        >>> index.ids[rows[0]]  # the ten videos most similar to that of row 0: itself, then others
    """

    def __init__(
        self, ids: VideoIds, model: str, stored: StoredVectors, lists: InvertedLists | None = None
    ) -> None:
        self.ids = ids
        self.model = model
        self.bits = stored.bits
        self.size = stored.size
        self._stored = stored
        self._lists = lists
        self._fast_scan: FastScan | None = None

    @classmethod
    def build(
        cls,
        embeddings: Embeddings,
        bits: int | None = None,
        approximate: bool = False,
        num_lists: int | None = None,
        seed: int = 0,
        on_video: Callable[[int], None] = lambda count: None,
    ) -> "Index":
        """An index in memory.

        Args:
            embeddings: of the videos; they are L2-normalised.
            bits: of a dimension, 2, 4 or 8; float32 unless given.
            approximate: add inverted lists.
            num_lists: cells of the inverted lists; 4 √n unless given.
            seed: of the samples that the quantiser and the lists are fitted on.
            on_video: receives the number of videos of each batch that is done; with `approximate`
                each video is done twice.

        Raises:
            ValueError: there are no embeddings, one is not finite (the video is named), `bits` is
                another number, or FAISS is wanted and not installed.
        """
        stored = StoredVectors.build(embeddings, bits, seed, on_video)
        index = cls(embeddings.ids, embeddings.model, stored)
        if approximate:
            index._add_lists(num_lists, seed, on_video)
        return index

    @classmethod
    def write(
        cls,
        directory: str | os.PathLike[str],
        embeddings: Embeddings,
        bits: int | None = None,
        approximate: bool = False,
        num_lists: int | None = None,
        seed: int = 0,
        on_video: Callable[[int], None] = lambda count: None,
    ) -> "Index":
        """Builds an index in a directory, block by block, and opens it: as `build` and `save`, in
        memory that does not grow with the number of videos.

        Raises:
            ValueError: as of `build` and `save`.
        """
        path = INDEX.prepare(directory)
        stored = StoredVectors.build(embeddings, bits, seed, on_video, path)
        index = cls(embeddings.ids, embeddings.model, stored)
        if approximate:
            index._add_lists(num_lists, seed, on_video)
        index._finish(path)
        return cls.load(path)

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "Index":
        """Opens the index in a directory; vectors and codes are memory-mapped.

        Raises:
            ValueError: there is no index, it is damaged, or it is approximate and FAISS is not
                installed.
        """
        record = INDEX.read(directory)
        count, size = record["count"], record["size"]
        ids = VideoIds.load(directory, count)
        with INDEX.opening(directory):
            stored = StoredVectors.load(Path(directory), count, size, record["bits"])
            lists = None
            if record["approximate"]:
                lists = InvertedLists.load(Path(directory, _LISTS), size, count)
            return cls(ids, record["model"], stored, lists)

    def add(self, embeddings: Embeddings) -> None:
        """Adds videos behind those that are there; what was opened is then in memory.

        The values of codes and the cells of lists stay as they are: after many videos of another
        kind, an index that is built anew is more exact.

        Raises:
            ValueError: the embeddings are of another model or width, a video is there already, or
                an embedding is not finite. Nothing is added.
        """
        if (embeddings.model, embeddings.size) != (self.model, self.size):
            raise ValueError(
                f"embeddings must be of the model {self.model!r} and width {self.size}, as the "
                f"index; received {embeddings.model!r} and {embeddings.size}"
            )
        ids = VideoIds(PackedIds.pack([*self.ids.blocks(), *embeddings.ids.blocks()]))
        before, self._stored = len(self), self._stored.with_added(embeddings)
        self.ids = ids
        self._fast_scan = None
        if self._lists is not None:
            self._lists.add(self.vectors(slice(before, None)))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the index to a directory.

            index.json    kind, model, size, count and bits of the index; written last
            ids*.npy      the video ids by row, see `VideoIds.arrays`
            vectors.npy   or codes.npy and values.npy, see `StoredVectors`
            lists.faiss   approximate: the videos by clusters, a FAISS index

        Raises:
            ValueError: the directory is not local or already holds an index.
        """
        path = INDEX.prepare(directory)
        self._stored.save(path)
        self._finish(path)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_approximate(self) -> bool:
        """Whether it has lists."""
        return self._lists is not None

    @property
    def bytes_per_video(self) -> int:
        """What a vector takes in the index, without ids and inverted lists."""
        return self._stored.values[:1].nbytes

    def vectors(self, rows: np.ndarray | slice) -> np.ndarray:
        """The vectors of rows, float32 `(rows, d)`, decoded where the index is quantised.

        Raises:
            ValueError: a row is not one of the index, such as `UNKNOWN`.
        """
        if not isinstance(rows, slice):
            rows = self.ids.checked_rows(rows)
        return self._stored[rows]

    def search(
        self,
        queries: np.ndarray,
        k: int,
        exclude: Sequence[np.ndarray] | None = None,
        probes: int = 32,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The videos that are most similar to each query, best first; equal scores by row.

        Args:
            queries: `(q, d)`, of any length.
            k: how many; where there are fewer, the rest is `UNKNOWN` with the score -inf.
            exclude: rows to leave out of each query's result, one array a query; `UNKNOWN` is none.
            probes: cells that a query visits at least in approximate search.

        Returns:
            Scores, float32 `(q, k)`, and rows, int64 `(q, k)`.

        Raises:
            ValueError: a query has another width or is not finite, `k` or `probes` is below 1, or
                `exclude` has not one entry for each query.
        """
        queries = self._checked(queries, k, exclude, probes)
        excluded = [np.zeros(0, np.int64)] * len(queries) if exclude is None else list(exclude)
        scores = np.empty((len(queries), k), np.float32)
        rows = np.empty((len(queries), k), np.int64)
        step = max(1, _SCORES // max(k, _MOST_ROWS))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            best = self._search(queries[part], k, excluded[part], probes)
            scores[part], rows[part] = best.scores, best.rows
        return scores, rows

    def _add_lists(self, num_lists: int | None, seed: int, on_video: Callable[[int], None]) -> None:
        quantizer = self._stored.quantizer
        self._lists = InvertedLists.build(
            self.vectors, len(self), quantizer, self.size, num_lists, seed, on_video
        )

    def _finish(self, path: Path) -> None:
        """Writes what belongs to the vectors or codes in a directory, the record last."""
        files = [f"{self._stored.name}.npy"]
        arrays = self.ids.arrays() | self._stored.small_arrays
        if self._lists is not None:
            self._lists.save(path / _LISTS)
            files.append(_LISTS)
        record = {
            "model": self.model,
            "size": self.size,
            "count": len(self),
            "bits": self.bits,
            "approximate": self.is_approximate,
        }
        INDEX.write(path, record, arrays, files)

    def _search(self, queries: np.ndarray, k: int, excluded: list[np.ndarray], probes: int) -> TopK:
        most = max(map(len, excluded))
        if self._lists is not None:
            return self._visited(self._lists, queries, k, excluded, probes)
        shortlist = 4 * k + 100 + most
        quantizer = self._stored.quantizer
        if (
            quantizer is None
            or (quantizer.bits == 8 and len(queries) > _FEW_QUERIES)
            or 8 * shortlist > len(self)
            or not _has_faiss()
        ):
            return self._compared(queries, k, excluded)
        if self._fast_scan is None:
            self._fast_scan = FastScan(quantizer, self._stored.values)
        rounded, candidates = self._fast_scan.candidates(queries, shortlist)
        scores = self._exact(queries, candidates)
        # A video that is not on the list has a rounded score of at most the least one there.
        error = np.abs(scores - rounded).max(axis=1)
        best = _best(scores, candidates, k, excluded)
        unsure = np.flatnonzero(best.scores[:, -1] <= rounded.min(axis=1) + 2 * error)
        if len(unsure):
            again = self._compared(queries[unsure], k, [excluded[query] for query in unsure])
            best.scores[unsure], best.rows[unsure] = again.scores, again.rows
        return best

    def _visited(
        self,
        lists: InvertedLists,
        queries: np.ndarray,
        k: int,
        excluded: list[np.ndarray],
        probes: int,
    ) -> TopK:
        """The k best of the cells that are visited: twice as many, where these have fewer."""
        candidates = lists.candidates(queries, k + max(map(len, excluded)), probes)
        best = _best(self._exact(queries, candidates), candidates, k, excluded)
        short = np.flatnonzero(best.rows[:, -1] == UNKNOWN)
        if len(short) and probes < lists.num_lists:
            others = [excluded[query] for query in short]
            again = self._visited(lists, queries[short], k, others, 2 * probes)
            best.scores[short], best.rows[short] = again.scores, again.rows
        return best

    def _compared(self, queries: np.ndarray, k: int, excluded: list[np.ndarray]) -> TopK:
        """The k best of all videos, block by block; the first blocks are small, so that most
        scores of the others need no more than to be compared with the worst that is kept."""
        best = TopK(len(queries), k)
        out_queries = np.repeat(np.arange(len(queries)), [len(rows) for rows in excluded])
        out_rows = np.concatenate(excluded).astype(np.int64)
        start, num_rows = 0, _FIRST_ROWS
        while start < len(self):
            end = min(start + num_rows, len(self))
            vectors = self.vectors(slice(start, end))
            # NumPy multiplies by a matrix of one row more slowly than by a vector
            one = len(queries) == 1
            scores = (vectors @ queries[0])[None] if one else queries @ vectors.T
            is_here = (start <= out_rows) & (out_rows < end)
            scores[out_queries[is_here], out_rows[is_here] - start] = -np.inf
            best.add(scores, np.arange(start, end))
            start, num_rows = end, min(2 * num_rows, _MOST_ROWS)
        return best

    def _exact(self, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """The scores of candidates `(q, m)` of each query; -inf for `UNKNOWN`."""
        scores = np.empty(candidates.shape, np.float32)
        step = max(1, _VALUES // max(1, candidates.shape[1] * self.size))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            known = np.maximum(candidates[part], 0)
            vectors = self.vectors(known.ravel()).reshape(*known.shape, self.size)
            scores[part] = (vectors @ queries[part, :, None])[..., 0]
        scores[candidates == UNKNOWN] = -np.inf
        return scores

    def _checked(
        self, queries: np.ndarray, k: int, exclude: Sequence[np.ndarray] | None, probes: int
    ) -> np.ndarray:
        """The queries, L2-normalised."""
        queries = np.asarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.size:
            raise ValueError(
                f"queries must have the shape (q, {self.size}), the width of the index; "
                f"received {queries.shape}"
            )
        is_bad = ~np.isfinite(queries).all(axis=1)
        if is_bad.any():
            raise ValueError(f"queries must be finite; number {is_bad.argmax()} is not")
        for name, value in (("k", k), ("probes", probes)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; received {value}")
        if exclude is not None and len(exclude) != len(queries):
            raise ValueError(
                f"exclude must have an entry for each of the {len(queries)} queries; "
                f"received {len(exclude)}"
            )
        return l2_normalized(queries)


def _best(
    scores: np.ndarray, candidates: np.ndarray, k: int, excluded: Sequence[np.ndarray]
) -> TopK:
    """The k best of candidates `(q, m)` that are not excluded, whose scores become -inf."""
    for of_query, rows, out in zip(scores, candidates, excluded, strict=True):
        of_query[np.isin(rows, out)] = -np.inf
    best = TopK(len(scores), k)
    best.add(scores, candidates)
    return best


def _has_faiss() -> bool:
    return importlib.util.find_spec("faiss") is not None
