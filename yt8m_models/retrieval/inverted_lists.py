"""Approximate search: videos by clusters, of which a query visits the nearest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.retrieval.quantizer import ScalarQuantizer

_VECTORS_A_LIST = 39  # FAISS warns where k-means has fewer
_SAMPLE_A_LIST = 64
_ITERATIONS = 10
_BATCH = 16384
_BY_ID = 0  # `SUBSET_TYPE_ID_RANGE` of FAISS


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
        vectors: Callable[[np.ndarray], np.ndarray],
        count: int,
        quantizer: ScalarQuantizer | None,
        size: int,
        num_lists: int | None = None,
        seed: int = 0,
        on_filed: Callable[[int], None] = lambda count: None,
    ) -> "InvertedLists":
        """Clusters a sample of the vectors and files all of them.

        Args:
            vectors: gives those of rows as the index has them, float32 `(rows, size)`.
            count: how many there are, n.
            quantizer: of the index; `None` where it is not quantised.
            size: width of a vector.
            num_lists: how many cells; 4 √n unless given, and at most n / 39.
            seed: of the sample and of k-means.
            on_filed: receives the number of vectors of each batch when they are filed.

        Raises:
            ValueError: FAISS is not installed.
        """
        faiss = require("faiss")
        wanted = round(4 * count**0.5) if num_lists is None else num_lists
        num_lists = max(1, min(wanted, count // _VECTORS_A_LIST))
        rng = np.random.default_rng(seed)
        sample = min(count, _SAMPLE_A_LIST * num_lists)
        rows = np.sort(rng.choice(count, sample, replace=False))
        width = size if quantizer is None else quantizer.code_size * 8 // quantizer.bits
        kmeans = faiss.Kmeans(
            width,
            num_lists,
            niter=_ITERATIONS,
            spherical=True,
            seed=seed,
            min_points_per_centroid=1,
            max_points_per_centroid=_SAMPLE_A_LIST,
        )
        kmeans.train(_padded(vectors(rows), width))
        index = _empty_index(faiss, kmeans.centroids, quantizer)
        for start in range(0, count, _BATCH):
            batch = vectors(np.arange(start, min(start + _BATCH, count)))
            index.add(_padded(batch, width))
            on_filed(len(batch))
        return cls(index, size)

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

    def save(self, path: Path) -> None:
        """Writes the file."""
        require("faiss").write_index(self.index, str(path))

    def add(self, vectors: np.ndarray) -> None:
        """Files vectors `(n, size)` behind those that are there, in a copy of the lists in memory:
        lists that were opened are read-only."""
        faiss = require("faiss")
        lists = faiss.ArrayInvertedLists(self.index.nlist, self.index.code_size)
        self.index.invlists.copy_subset_to(lists, _BY_ID, 0, self.index.ntotal)
        self.index.replace_invlists(lists, True)
        lists.this.disown()  # the index frees it
        self.index.add(_padded(vectors, self.index.d))

    def candidates(self, queries: np.ndarray, k: int, probes: int) -> np.ndarray:
        """The rows of the greatest products with queries `(q, size)` among the vectors that each
        visits: int64 `(q, k)`, `UNKNOWN` behind the last one."""
        parameters = require("faiss").SearchParametersIVF(nprobe=min(probes, self.num_lists))
        _, rows = self.index.search(_padded(queries, self.index.d), k, params=parameters)
        return np.asarray(rows)


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


def _padded(vectors: np.ndarray, width: int) -> np.ndarray:
    """Vectors with zeros behind them up to `width`, float32 and contiguous."""
    padded = np.zeros((len(vectors), width), np.float32)
    padded[:, : vectors.shape[1]] = vectors
    return padded
