"""Approximate search: videos by clusters, of which a query visits the nearest."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.retrieval.quantizer import ScalarQuantizer
from yt8m_models.retrieval.stored_vectors import StoredVectors
from yt8m_models.storage.whole_file import whole_path

_VECTORS_A_LIST = 39  # FAISS warns where k-means has fewer
_SAMPLE_A_LIST = 64
_ITERATIONS = 10
_BATCH = 16384
_ROW_BYTES = 8


class InvertedLists:
    """An inverted file of FAISS: cells of spherical k-means, and the vectors of each.

    A query is compared with the vectors of the `probes` cells whose centres are most similar to it.
    The vectors are kept as the index has them: float32 (`IndexIVFFlat`), or the same codes with the
    same values (`IndexIVFPQ` without residuals), once more and ordered by cell.

    Args:
        index: of FAISS.
        size: width of a vector; that of `index` is greater where codes do not fill a byte.

    Attributes:
        num_lists: how many cells there are.
    """

    def __init__(self, index: Any, size: int) -> None:
        self.index = index
        self.size = size
        self.num_lists = int(index.nlist)

    @classmethod
    def build(
        cls,
        stored: StoredVectors,
        centers: np.ndarray,
        path: Path | None = None,
        on_filed: Callable[[int], None] = lambda count: None,
    ) -> "InvertedLists":
        """Files vectors in the cells of centres.

        In two passes: one finds the cell of each and counts them, so that the place of each list is
        known, and one puts the vectors or codes there, block by block. No more than a block is in
        memory where there is a path; FAISS's own way holds all.

        Args:
            stored: the vectors or codes.
            centers: as of `fit_centers`.
            path: receives the file, to be memory-mapped; in memory unless given.
            on_filed: receives the number of vectors of each block when they are filed.

        Raises:
            ValueError: FAISS is not installed, or writes other files than this knows.
        """
        faiss = require("faiss")
        count = len(stored)
        index = _empty_index(faiss, centers, stored.quantizer)
        with tempfile.TemporaryFile(dir=None if path is None else path.parent) as scratch:
            cells = np.memmap(scratch, np.int32, "w+", shape=(count,))
            counts = np.zeros(len(centers), np.int64)
            for start in range(0, count, _BATCH):
                block = slice(start, start + _BATCH)
                cells[block] = index.quantizer.search(_padded(stored[block], index.d), 1)[1][:, 0]
                counts += np.bincount(cells[block], minlength=len(counts))
            index.ntotal = count
            head = _head(faiss.serialize_index(index), counts, index.code_size)
            shape = (len(head) + count * (index.code_size + _ROW_BYTES),)
            if path is None:
                content = np.empty(shape, np.uint8)
                _fill(content, head, counts, cells, stored.values, on_filed)
                return cls(faiss.deserialize_index(content), stored.size)
            with whole_path(path) as partial:
                mapped = np.memmap(partial, np.uint8, "w+", shape=shape)
                _fill(np.asarray(mapped), head, counts, cells, stored.values, on_filed)
                mapped.flush()
        return cls.load(path, stored.size, count)

    @classmethod
    def load(cls, path: Path, size: int, count: int) -> "InvertedLists":
        """Opens the file of an index of `count` vectors of width `size`, whose lists stay on disk.

        Raises:
            ValueError: FAISS is not installed, or the file is not such an index.
        """
        faiss = require("faiss")
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        if not isinstance(index, faiss.IndexIVF) or index.ntotal != count or index.d < size:
            raise ValueError(f"{path} is not the inverted file of {count} vectors of width {size}")
        return cls(index, size)

    @property
    def centers(self) -> np.ndarray:
        """Those of the cells, float32 `(num_lists, width)`."""
        centers: np.ndarray = self.index.quantizer.reconstruct_n(0, self.num_lists)
        return centers

    def candidates(
        self, queries: np.ndarray, k: int, probes: int, removed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The greatest products with queries `(q, size)` among the vectors that each visits.

        Args:
            queries: float32.
            k: how many to find of each.
            probes: cells that each visits.
            removed: rows to pass over.

        Returns:
            The products, float32 `(q, k)`, and their rows, int64 `(q, k)`; behind the last one
            -inf and `UNKNOWN`.
        """
        faiss = require("faiss")
        left = faiss.IDSelectorNot(faiss.IDSelectorBatch(removed)) if len(removed) else None
        parameters = faiss.SearchParametersIVF(nprobe=min(probes, self.num_lists), sel=left)
        products, rows = self.index.search(_padded(queries, self.index.d), k, params=parameters)
        products[rows < 0] = -np.inf
        return products, rows


def fit_centers(
    vectors: Callable[[np.ndarray], np.ndarray],
    count: int,
    quantizer: ScalarQuantizer | None,
    num_lists: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """The centres of cells, by spherical k-means of a sample of the vectors.

    Args:
        vectors: gives those of rows as the index has them, float32 `(rows, size)`.
        count: how many there are, n.
        quantizer: of the index; `None` where it is not quantised.
        num_lists: how many cells; 4 √n unless given, and at most n / 39.
        seed: of the sample and of k-means.

    Returns:
        float32 `(num_lists, width)`, where width is that of a vector, or of all dimensions that the
        bytes of a code have room for.

    Raises:
        ValueError: FAISS is not installed.
    """
    faiss = require("faiss")
    wanted = round(4 * count**0.5) if num_lists is None else num_lists
    num_lists = max(1, min(wanted, count // _VECTORS_A_LIST))
    rng = np.random.default_rng(seed)
    sample = min(count, _SAMPLE_A_LIST * num_lists)
    drawn = vectors(np.sort(rng.choice(count, sample, replace=False)))
    width = drawn.shape[1] if quantizer is None else quantizer.code_size * 8 // quantizer.bits
    kmeans = faiss.Kmeans(
        width,
        num_lists,
        niter=_ITERATIONS,
        spherical=True,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=_SAMPLE_A_LIST,
    )
    kmeans.train(_padded(drawn, width))
    centers: np.ndarray = kmeans.centroids
    return centers


def _empty_index(faiss: Any, centers: np.ndarray, quantizer: ScalarQuantizer | None) -> Any:
    num_lists, width = centers.shape
    nearest = faiss.IndexFlatIP(width)
    nearest.add(centers)
    metric = faiss.METRIC_INNER_PRODUCT
    if quantizer is None:
        index = faiss.IndexIVFFlat(nearest, width, num_lists, metric)
    else:
        index = faiss.IndexIVFPQ(nearest, width, num_lists, quantizer.code_size, 8, metric)
        index.by_residual = False
        faiss.copy_array_to_vector(quantizer.values_of_bits(8).ravel(), index.pq.centroids)
    nearest.this.disown()  # the index frees it
    index.own_fields = True
    index.is_trained = True
    return index


def _head(empty: np.ndarray, counts: np.ndarray, code_size: int) -> bytes:
    """What FAISS writes before the lists, by what it writes of an index whose lists are empty.

    Lists are the end of a file: `ilar`, their number and the bytes of a code, the form of their
    sizes (`full`: each, or `sprs`: pairs of a list that is not empty and its size), the sizes, and
    then of each list its codes and its rows.
    """
    shared = b"ilar" + np.array([len(counts), code_size], np.uint64).tobytes()
    nothing = shared + b"sprs" + np.zeros(1, np.uint64).tobytes()
    content = empty.tobytes()
    if not content.endswith(nothing):
        raise ValueError("this version of FAISS writes inverted lists in a form that is not known")
    filled = np.flatnonzero(counts)
    if len(filled) > len(counts) // 2:
        form, sizes = b"full", counts
    else:
        form, sizes = b"sprs", np.stack([filled, counts[filled]], axis=1).ravel()
    numbers = np.append(len(sizes), sizes).astype(np.uint64)
    return content[: -len(nothing)] + shared + form + numbers.tobytes()


def _fill(
    content: np.ndarray,
    head: bytes,
    counts: np.ndarray,
    cells: np.ndarray,
    values: np.ndarray,
    on_filed: Callable[[int], None],
) -> None:
    """Writes a file to `content`: the head, and the lists, of vectors or codes whose cells are
    known."""
    content[: len(head)] = np.frombuffer(head, np.uint8)
    code_size = values.dtype.itemsize * values.shape[1]
    starts = len(head) + (code_size + _ROW_BYTES) * (np.cumsum(counts) - counts)
    codes_at, rows_at = starts.copy(), starts + code_size * counts
    for start in range(0, len(values), _BATCH):
        of_block = cells[start : start + _BATCH]
        order = np.argsort(of_block, kind="stable")
        here, firsts, sizes = np.unique(of_block[order], return_index=True, return_counts=True)
        codes = values[start : start + _BATCH][order].view(np.uint8).ravel()
        rows = (start + order).view(np.uint8)
        for cell, first, size in zip(here, firsts, sizes, strict=True):
            for places, part, width in ((codes_at, codes, code_size), (rows_at, rows, _ROW_BYTES)):
                end = places[cell] + width * size
                content[places[cell] : end] = part[width * first : width * (first + size)]
                places[cell] = end
        on_filed(len(of_block))


def _padded(vectors: np.ndarray, width: int) -> np.ndarray:
    """Vectors with zeros behind them up to `width`, float32 and contiguous."""
    if vectors.shape[1] == width:
        return np.ascontiguousarray(vectors, np.float32)
    padded = np.zeros((len(vectors), width), np.float32)
    padded[:, : vectors.shape[1]] = vectors
    return padded
