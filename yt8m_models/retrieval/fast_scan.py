"""Scanning codes by look-up tables."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.retrieval.quantizer import ScalarQuantizer


class FastScan:
    """Finds the rows of the greatest products with queries, by a product quantiser of FAISS.

    2 and 4 bits (`IndexPQFastScan`): half a byte of a code, that is one dimension at 4 bits and two
    at 2 bits, is a part with 16 values, whose products with a query are looked up 32 at a time, in
    tables that stay in registers. For that FAISS rounds the products to 8 bits, so that its ranking
    is not quite that of the exact products.

    8 bits (`IndexPQ`): a dimension is a part with 256 values, and products are not rounded.

    Args:
        quantizer: of the codes.
        blocks: of codes, uint8 `(n, code_size)`; FAISS keeps a copy, made block by block.

    Raises:
        ValueError: FAISS is not installed.
    """

    def __init__(self, quantizer: ScalarQuantizer, blocks: Iterable[np.ndarray]) -> None:
        faiss = require("faiss")
        num_bits = 8 if quantizer.bits == 8 else 4
        parts = quantizer.values_of_bits(num_bits)
        num_parts, _, dimensions = parts.shape
        self._width = num_parts * dimensions

        def index_of(codes: np.ndarray) -> Any:
            flat = faiss.IndexPQ(self._width, num_parts, num_bits, faiss.METRIC_INNER_PRODUCT)
            faiss.copy_array_to_vector(parts.ravel(), flat.pq.centroids)
            flat.is_trained = True
            flat.add_sa_codes(np.ascontiguousarray(codes))
            return flat if num_bits == 8 else faiss.IndexPQFastScan(flat)

        pieces = iter(blocks)
        self._index = index_of(next(pieces))
        for piece in pieces:
            self._index.merge_from(index_of(piece))

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k best by rounded products for each query `(q, d)`.

        Returns:
            The rounded products, float32 `(q, k)`, and their rows, int64 `(q, k)`.
        """
        padded = np.zeros((len(queries), self._width), np.float32)
        padded[:, : queries.shape[1]] = queries
        products, rows = self._index.search(padded, k)
        return products, rows
