"""Search of the most similar videos."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.index_dir import HERE, INDEX, Probed, shard_name, suffix_of
from yt8m_models.retrieval.inverted_lists import InvertedLists, fit_centers
from yt8m_models.retrieval.segment import LISTS, MOST_ROWS, Segment, load_segments
from yt8m_models.retrieval.stored_vectors import (
    StoredVectors,
    fit_quantizer,
    l2_normalized,
    stored_blocks,
)
from yt8m_models.retrieval.top_k import TopK

_SCORES = 1 << 24  # in memory at a time
_PROBES = 32


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

    The vectors are in one piece or in several, its segments, which are searched at the same time, a
    thread each. All have the same quantiser and the same cells, so that the results are those of
    one piece.

    Args:
        ids: the video of each row.
        model: whose embeddings these are, `Embeddings.model`.
        segments: their vectors, one after the other in the order of the rows.
        probes: cells that a query visits unless it says how many.
        recall_curve: what was measured to choose `probes`; empty where it was not.

    Attributes:
        ids, model, segments, probes, recall_curve: as above.
        size: d.
        bits: of a dimension: 2, 4, 8, or `None` where the vectors are exact.

    Raises:
        ValueError: ids and segments do not fit together.

    Example:
        >>> index = Index.build(Embeddings.load(directory), bits=4)
        >>> scores, rows = index.search(index.vectors([0, 1]), k=10)
        >>> index.ids[rows[0]]  # the ten videos most similar to that of row 0: itself, then others
    """

    def __init__(
        self,
        ids: VideoIds,
        model: str,
        segments: Sequence[Segment],
        probes: int = _PROBES,
        recall_curve: Sequence[Probed] = (),
    ) -> None:
        if sum(map(len, segments)) != len(ids):
            raise ValueError(f"{len(ids)} ids are of {sum(map(len, segments))} vectors")
        self.ids = ids
        self.model = model
        self.segments = list(segments)
        self.probes = probes
        self.recall_curve = list(recall_curve)
        self.bits = segments[0].stored.bits
        self.size = segments[0].stored.size
        self._ends = np.cumsum([len(segment) for segment in segments])

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
        return cls._made(embeddings, bits, approximate, num_lists, seed, on_video, [None])

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
        num_shards: int = 1,
        tuned: Callable[["Index"], "Index"] = lambda index: index,
    ) -> "Index":
        """Builds an index in a directory, block by block, and opens it: as `build` and `save`, in
        memory that does not grow with the number of videos.

        Args:
            directory: receives the index.
            embeddings, bits, approximate, num_lists, seed, on_video: as of `build`.
            num_shards: pieces of equal size, each of which is an index by itself too, in the
                directories `shard-00000`, … of this one.
            tuned: gives the index with the `probes` and `recall_curve` to write, such as
                `measured_probes`.

        Raises:
            ValueError: as of `build` and `save`, or there are fewer videos than shards.
        """
        path = INDEX.prepare(directory)
        if not 1 <= num_shards <= max(len(embeddings), 1):
            raise ValueError(
                f"num_shards must be 1 to {len(embeddings)}, the number of videos; "
                f"received {num_shards}"
            )
        names = [HERE] if num_shards == 1 else [shard_name(each) for each in range(num_shards)]
        paths = [INDEX.prepare(path / name) for name in names]
        index = cls._made(embeddings, bits, approximate, num_lists, seed, on_video, paths)
        if num_shards > 1:
            for shard, directory_of_shard in zip(index.shards(), paths, strict=True):
                shard.finish(directory_of_shard)
        tuned(index).finish(path, names)
        return cls.load(path)

    @classmethod
    def _made(
        cls,
        embeddings: Embeddings,
        bits: int | None,
        approximate: bool,
        num_lists: int | None,
        seed: int,
        on_video: Callable[[int], None],
        paths: Sequence[Path | None],
    ) -> "Index":
        """An index with a segment for each of the paths, which receive them; in memory where there
        is none."""
        count = len(embeddings)
        if not count:
            raise ValueError("embeddings must have at least one video; there is none")
        quantizer = fit_quantizer(embeddings, bits, seed)
        bounds = np.linspace(0, count, len(paths) + 1).astype(int).tolist()
        segments = []
        for start, end, path in zip(bounds[:-1], bounds[1:], paths, strict=True):
            blocks = stored_blocks(embeddings, start, end, quantizer, on_video)
            stored = StoredVectors.gather(blocks, end - start, embeddings.size, quantizer, path)
            segments.append(Segment(stored))
        index = cls(embeddings.ids, embeddings.model, segments)
        if approximate:
            centers = fit_centers(index.vectors, count, quantizer, num_lists, seed)
            for segment, path in zip(segments, paths, strict=True):
                target = None if path is None else path / LISTS
                segment.lists = InvertedLists.build(segment.stored, centers, target, on_video)
        return index

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "Index":
        """Opens the index in a directory; vectors and codes are memory-mapped.

        Raises:
            ValueError: there is no index, it is damaged, or it is approximate and FAISS is not
                installed.
        """
        record = INDEX.read(directory)
        path, suffix = Path(directory), suffix_of(record["update"])
        ids = VideoIds.load(path, record["count"], f"ids{suffix}")
        with INDEX.opening(directory):
            if record["shards"] is None:
                segments = [Segment.load(path, record["count"], record)]
            else:
                segments = load_segments(path, record)
            probes = _PROBES if record["probes"] is None else record["probes"]
            return cls(ids, record["model"], segments, probes, record["recall_curve"] or ())

    def add(self, embeddings: Embeddings) -> None:
        """Adds videos behind those that are there, as one more segment in memory.

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
        self.segments.append(self.segment_of(embeddings))
        self.ids = ids
        self._ends = np.append(self._ends, len(ids))

    def segment_of(
        self,
        embeddings: Embeddings,
        path: Path | None = None,
        on_video: Callable[[int], None] = lambda count: None,
    ) -> Segment:
        """Embeddings by the quantiser and the cells of the index, in a directory or in memory.

        Raises:
            ValueError: one is not finite; the video is named.
        """
        first, count = self.segments[0], len(embeddings)
        quantizer = first.stored.quantizer
        blocks = stored_blocks(embeddings, 0, count, quantizer, on_video)
        segment = Segment(StoredVectors.gather(blocks, count, self.size, quantizer, path))
        if first.lists is not None:
            target = None if path is None else path / LISTS
            segment.lists = InvertedLists.build(
                segment.stored, first.lists.centers, target, on_video
            )
        return segment

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the index to a directory, in one piece.

            index.json    kind, model, size, count and bits of the index; written last
            ids*.npy      the video ids by row, see `VideoIds.arrays`
            vectors.npy   or codes.npy and values.npy, see `StoredVectors`
            lists.faiss   approximate: the videos by clusters, a FAISS index

        Raises:
            ValueError: the directory is not local or already holds an index.
        """
        path = INDEX.prepare(directory)
        self.merged([path]).finish(path)

    def merged(self, paths: Sequence[Path]) -> "Index":
        """The same videos in as many segments of equal size as there are paths, which receive
        them; the vectors, codes and cells are these."""
        quantizer, lists = self.segments[0].stored.quantizer, self.segments[0].lists
        bounds = np.linspace(0, len(self), len(paths) + 1).astype(int).tolist()
        segments = []
        for start, end, path in zip(bounds[:-1], bounds[1:], paths, strict=True):
            blocks = self._blocks(start, end)
            stored = StoredVectors.gather(blocks, end - start, self.size, quantizer, path)
            segment = Segment(stored)
            if lists is not None:
                segment.lists = InvertedLists.build(segment.stored, lists.centers, path / LISTS)
            segments.append(segment)
        return Index(self.ids, self.model, segments, self.probes, self.recall_curve)

    def _blocks(self, start: int, end: int) -> Iterator[np.ndarray]:
        """The vectors or codes of rows, some at a time."""
        for last, segment in zip(self._ends.tolist(), self.segments, strict=True):
            first = last - len(segment)
            if first < end and start < last:
                yield from segment.blocks(max(start, first) - first, min(end, last) - first)

    def finish(self, path: Path, names: Sequence[str] = (HERE,), update: int | None = None) -> None:
        """Writes what a directory needs beside its segments, the record last.

        Args:
            path: the directory.
            names: those of the segments' directories in it.
            update: the number of this state of the index, where an earlier one is there; ids have
                it in their names, so that either record finds its own.
        """
        suffix = suffix_of(update)
        arrays = self.ids.arrays(f"ids{suffix}")
        record: dict[str, Any] = {
            "model": self.model,
            "size": self.size,
            "count": len(self),
            "bits": self.bits,
            "approximate": self.is_approximate,
        }
        if self.recall_curve:
            record["probes"] = self.probes
            record["recall_curve"] = [asdict(each) for each in self.recall_curve]
        if tuple(names) != (HERE,) or update is not None:
            counts = [len(segment.stored) for segment in self.segments]
            pairs = zip(names, counts, strict=True)
            record["shards"] = [{"path": name, "count": count} for name, count in pairs]
            arrays[f"removed{suffix}"] = self.removed
            if update is not None:
                record["update"] = update
        files = self.segments[0].files if HERE in names else []
        INDEX.write(path, record, arrays, files)

    def shards(self) -> "Iterator[Index]":
        """Each segment as an index by itself."""
        for end, segment in zip(self._ends, self.segments, strict=True):
            ids = VideoIds(self.ids[int(end) - len(segment) : int(end)])
            yield Index(ids, self.model, [segment])

    @property
    def removed(self) -> np.ndarray:
        """Where the videos are stored that were removed, int64: rows of all segments together."""
        ends = np.cumsum([len(segment.stored) for segment in self.segments])
        pairs = zip(ends, self.segments, strict=True)
        return np.concatenate([end - len(each.stored) + each.removed for end, each in pairs])

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_approximate(self) -> bool:
        """Whether it has lists."""
        return self.segments[0].lists is not None

    @property
    def num_lists(self) -> int:
        """Cells of approximate search; 0 where there are none."""
        lists = self.segments[0].lists
        return 0 if lists is None else lists.num_lists

    @property
    def bytes_per_video(self) -> int:
        """What a vector takes in the index, without ids and inverted lists."""
        return self.segments[0].stored.values[:1].nbytes

    def vectors(self, rows: np.ndarray | slice) -> np.ndarray:
        """The vectors of rows, float32 `(rows, d)`, decoded where the index is quantised.

        Raises:
            ValueError: a row is not one of the index, such as `UNKNOWN`.
        """
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        rows = self.ids.checked_rows(rows)
        if len(self.segments) == 1:
            return self.segments[0].vectors(rows)
        vectors = np.empty((len(rows), self.size), np.float32)
        numbers = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(numbers):
            here, segment = numbers == number, self.segments[number]
            vectors[here] = segment.vectors(rows[here] - (self._ends[number] - len(segment)))
        return vectors

    def search(
        self,
        queries: np.ndarray,
        k: int,
        exclude: Sequence[np.ndarray] | None = None,
        probes: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The videos that are most similar to each query, best first; equal scores by row.

        Args:
            queries: `(q, d)`, of any length.
            k: how many; where there are fewer, the rest is `UNKNOWN` with the score -inf.
            exclude: rows to leave out of each query's result, one array a query; `UNKNOWN` is none.
            probes: cells that a query visits at least in approximate search; `self.probes` unless
                given.

        Returns:
            Scores, float32 `(q, k)`, and rows, int64 `(q, k)`.

        Raises:
            ValueError: a query has another width or is not finite, `k` or `probes` is below 1, or
                `exclude` has not one entry for each query.
        """
        probes = self.probes if probes is None else probes
        queries = self._checked(queries, k, exclude, probes)
        excluded = [np.zeros(0, np.int64)] * len(queries) if exclude is None else list(exclude)
        scores = np.empty((len(queries), k), np.float32)
        rows = np.empty((len(queries), k), np.int64)
        step = max(1, _SCORES // max(k, MOST_ROWS))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            best = self._search(queries[part], k, excluded[part], probes)
            scores[part], rows[part] = best.scores, best.rows
        return scores, rows

    def _search(self, queries: np.ndarray, k: int, excluded: list[np.ndarray], probes: int) -> TopK:
        """The k best of all segments; of twice as many cells, where these have fewer."""
        best = self._merged(queries, k, excluded, probes)
        short = np.flatnonzero(best.rows[:, -1] == UNKNOWN)
        if len(short) and probes < self.num_lists:
            others = [excluded[query] for query in short]
            again = self._search(queries[short], k, others, 2 * probes)
            best.scores[short], best.rows[short] = again.scores, again.rows
        return best

    def _merged(self, queries: np.ndarray, k: int, excluded: list[np.ndarray], probes: int) -> TopK:
        if len(self.segments) == 1:
            return self.segments[0].search(queries, k, excluded, probes)

        def of_segment(number: int) -> TopK:
            segment, end = self.segments[number], self._ends[number]
            start = end - len(segment)
            out = [rows[(start <= rows) & (rows < end)] - start for rows in excluded]
            found = segment.search(queries, k, out, probes)
            found.rows[found.rows != UNKNOWN] += start
            return found

        best = TopK(len(queries), k)
        for found in self._threads.map(of_segment, range(len(self.segments))):
            best.add(found.scores, found.rows)
        return best

    @functools.cached_property
    def _threads(self) -> ThreadPoolExecutor:
        most = min(len(self.segments), os.cpu_count() or 1)
        return ThreadPoolExecutor(most, "segments")

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
