"""Scanning codes by look-up tables."""

from typing import Any

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.retrieval.quantizer import ScalarQuantizer

_PIECE = 1 << 18


class FastScan:
    """Finds the rows of the greatest products with queries, by a product quantiser of FAISS.

    2 and 4 bits (`IndexPQFastScan`): half a byte of a code, that is one dimension at 4 bits and two
    at 2 bits, is a part with 16 values, whose products with a query are looked up 32 at a time, in
    tables that stay in registers. For that FAISS rounds the products to 8 bits, so that its ranking
    is not quite that of the exact products.

    8 bits (`IndexPQ`): a dimension is a part with 256 values, and products are not rounded.

    Args:
        quantizer: of the codes.
        codes: uint8 `(n, code_size)`; FAISS keeps a copy, made piece by piece.

    Raises:
        ValueError: FAISS is not installed.
    """

    def __init__(self, quantizer: ScalarQuantizer, codes: np.ndarray) -> None:
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

        self._index = index_of(codes[:_PIECE])
        for start in range(_PIECE, len(codes), _PIECE):
            self._index.merge_from(index_of(codes[start : start + _PIECE]))

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k best by rounded products for each query `(q, d)`.

        Returns:
            The rounded products, float32 `(q, k)`, and their rows, int64 `(q, k)`.
        """
        padded = np.zeros((len(queries), self._width), np.float32)
        padded[:, : queries.shape[1]] = queries
        products, rows = self._index.search(padded, k)
        return products, rows
