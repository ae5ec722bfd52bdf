"""A piece of an index: the vectors of some of its videos, and how these are searched."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.retrieval.fast_scan import FastScan
from yt8m_models.retrieval.index_dir import HERE, INDEX, suffix_of
from yt8m_models.retrieval.inverted_lists import InvertedLists
from yt8m_models.retrieval.stored_vectors import StoredVectors
from yt8m_models.retrieval.top_k import TopK
from yt8m_models.storage.artifact_dir import read_array

LISTS = "lists.faiss"

_FIRST_ROWS, MOST_ROWS = 1024, 16384  # of the blocks that all queries are compared with
_BLOCK = 16384
_VALUES = 1 << 23
_FEW_QUERIES = 4
_SPARE = 16
_MORE = 8


class Segment:
    """Vectors of videos, or their codes, and their inverted lists; without those that were removed.

    Rows are those of the videos that are left, from 0; what is stored keeps the removed ones.

    Whatever finds candidates rounds their scores in a way of its own: to 8 bits, or in the last
    place, by where in a block a vector stands. So there are more candidates than k, which are
    ranked by scores that depend on nothing but the two vectors. Where a query's candidates show
    that rounding could have hidden one of its k best, more of them are taken, once: of more than
    8 (k + 16) equal scores it may not be the first rows that are found.

    Args:
        stored: the vectors.
        lists: for approximate search, of all that is stored.
        removed: rows of `stored` that are no longer part of it, int64, rising.

    Attributes:
        stored, lists, removed: as above.
    """

    def __init__(
        self,
        stored: StoredVectors,
        lists: InvertedLists | None = None,
        removed: np.ndarray | None = None,
    ) -> None:
        self.stored = stored
        self.lists = lists
        self.removed = np.zeros(0, np.int64) if removed is None else removed
        self._steps = self.removed - np.arange(len(self.removed))
        self._fast_scan: FastScan | None = None

    @classmethod
    def load(
        cls,
        directory: Path,
        count: int,
        record: Mapping[str, Any],
        removed: np.ndarray | None = None,
    ) -> "Segment":
        """That in a directory, memory-mapped.

        Args:
            directory: of the vectors.
            count: how many are stored there.
            record: of the index.
            removed: as of `Segment`.

        Raises:
            ValueError: a file is missing or damaged, or there are lists and FAISS is not installed.
        """
        stored = StoredVectors.load(directory, count, record["size"], record["bits"])
        lists = None
        if record["approximate"]:
            lists = InvertedLists.load(directory / LISTS, stored.size, count)
        return cls(stored, lists, removed)

    @property
    def files(self) -> list[str]:
        """What a directory has of it."""
        return self.stored.files + ([] if self.lists is None else [LISTS])

    def __len__(self) -> int:
        return len(self.stored) - len(self.removed)

    def stored_rows(self, rows: np.ndarray) -> np.ndarray:
        """Where rows are stored."""
        if not len(self.removed):
            return rows
        return rows + np.searchsorted(self._steps, rows, side="right")

    def vectors(self, rows: np.ndarray | slice) -> np.ndarray:
        """The vectors of rows, float32 `(rows, d)`, decoded where they are quantised."""
        if isinstance(rows, slice) and len(self.removed):
            rows = np.arange(*rows.indices(len(self)))
        return self.stored[rows if isinstance(rows, slice) else self.stored_rows(rows)]

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[np.ndarray]:
        """The vectors or codes of rows, as they are stored, some at a time."""
        end = len(self) if end is None else end
        for first in range(start, end, _BLOCK):
            yield self.stored.values[self.stored_rows(np.arange(first, min(first + _BLOCK, end)))]

    def search(
        self, queries: np.ndarray, k: int, excluded: Sequence[np.ndarray], probes: int
    ) -> TopK:
        """The k best rows of each query, as of `Index.search`.

        Args:
            queries: float32 `(q, d)`, L2-normalised.
            k: how many; fewer are found where the cells that are visited have fewer.
            excluded: rows that are no result, for each query.
            probes: cells that a query visits.
        """
        best = TopK(len(queries), k)
        unsure = np.arange(len(queries) if len(self) else 0)
        most = k + max(map(len, excluded))
        shortlist = 3 * k + most + 100
        if (tables := self._tables(len(queries), shortlist)) is not None:
            products, rows = tables.candidates(queries, shortlist)
            products[(rows == UNKNOWN).any(axis=1)] = np.inf  # FAISS finds none for zeros
            unsure = self._rank(best, unsure, queries, products, rows, excluded)
        for spare in (_SPARE, _MORE * (k + _SPARE)):
            if not len(unsure):
                break
            asked, out = queries[unsure], [excluded[query] for query in unsure.tolist()]
            if self.lists is None:
                found = self._compared(asked, k + spare, out)
            else:
                found = self._visited(self.lists, asked, most + spare, probes)
            unsure = self._rank(best, unsure, asked, *found, out)
        return best

    def _rank(
        self,
        best: TopK,
        numbers: np.ndarray,
        queries: np.ndarray,
        rough: np.ndarray,
        candidates: np.ndarray,
        excluded: Sequence[np.ndarray],
    ) -> np.ndarray:
        """Puts the best candidates `(q, m)` of queries in their places `numbers`, by their exact
        scores, and returns the numbers of those that may lack one of the k best."""
        scores = self._exact(queries, candidates)
        is_known = candidates != UNKNOWN
        errors = np.subtract(scores, rough, where=is_known, out=np.zeros_like(scores))
        error = np.abs(errors).max(axis=1)
        # A video that is no candidate has a rough score of at most the least of these; -inf says
        # that there is none.
        least = rough.min(axis=1)
        for of_query, rows, out in zip(scores, candidates, excluded, strict=True):
            of_query[np.isin(rows, out)] = -np.inf
        ranked = TopK(len(queries), best.scores.shape[1])
        ranked.add(scores, candidates)
        best.scores[numbers], best.rows[numbers] = ranked.scores, ranked.rows
        is_unsure = (least > -np.inf) & (ranked.scores[:, -1] <= least + 2 * error)
        return numbers[is_unsure] if candidates.shape[1] < len(self) else numbers[:0]

    def _tables(self, num_queries: int, shortlist: int) -> FastScan | None:
        """Tables that find so many candidates in less time than all products; `None` where there
        are none."""
        quantizer = self.stored.quantizer
        if (
            self.lists is not None
            or quantizer is None
            or (quantizer.bits == 8 and num_queries > _FEW_QUERIES)
            or 8 * shortlist > len(self)
            or not _has_faiss()
        ):
            return None
        if self._fast_scan is None:
            self._fast_scan = FastScan(quantizer, self.blocks())
        return self._fast_scan

    def _visited(
        self, lists: InvertedLists, queries: np.ndarray, k: int, probes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        products, stored = lists.candidates(queries, min(k, len(self)), probes, self.removed)
        if len(self.removed):
            stored = np.where(
                stored == UNKNOWN, UNKNOWN, stored - np.searchsorted(self.removed, stored)
            )
        return products, stored

    def _compared(
        self, queries: np.ndarray, k: int, excluded: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best of all videos, block by block; the first blocks are small, so that most
        scores of the others need no more than to be compared with the worst that is kept."""
        best = TopK(len(queries), min(k, len(self)))
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
            start, num_rows = end, min(2 * num_rows, MOST_ROWS)
        return best.scores, best.rows

    def _exact(self, queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """The scores of candidates `(q, m)` of each query; -inf for `UNKNOWN`."""
        scores = np.empty(candidates.shape, np.float32)
        step = max(1, _VALUES // max(1, candidates.shape[1] * self.stored.size))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            known = np.maximum(candidates[part], 0)
            vectors = self.vectors(known.ravel()).reshape(*known.shape, self.stored.size)
            # Each sum is by itself: in a matrix product its last bit depends on its place.
            np.einsum("qmd,qd->qm", vectors, queries[part], out=scores[part])
        scores[candidates == UNKNOWN] = -np.inf
        return scores


def load_segments(path: Path, record: dict[str, Any]) -> list[Segment]:
    """The segments of an index of several pieces, each of which has its own record.

    Raises:
        ValueError: a record or an array does not fit that of the index.
    """
    count = sum(shard.count for shard in record["shards"])
    shape = (count - record["count"],)
    removed = read_array(path, f"removed{suffix_of(record['update'])}", np.int64, shape)
    if (np.diff(removed) < 1).any() or not ((removed >= 0) & (removed < count)).all():
        raise ValueError("the removed rows must rise, and be of the shards")
    segments, start = [], 0
    for shard in record["shards"]:
        if shard.path != HERE:
            of_shard = INDEX.read(path / shard.path)
            for name in ("model", "size", "bits", "approximate"):
                if of_shard[name] != record[name]:
                    raise ValueError(
                        f"{shard.path} has {of_shard[name]} as its {name}, not {record[name]}"
                    )
        end = start + shard.count
        of_these = removed[(start <= removed) & (removed < end)] - start
        segments.append(Segment.load(path / shard.path, shard.count, record, of_these))
        start = end
    return segments


def _has_faiss() -> bool:
    return importlib.util.find_spec("faiss") is not None
