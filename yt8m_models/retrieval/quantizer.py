"""Vectors in 2, 4 or 8 bits a dimension."""

from typing import Any

import numpy as np

from yt8m_models.retrieval.lloyd_max import count_below, lloyd_max

BITS = (2, 4, 8)

_SAMPLE = 1 << 16
_BLOCK_VALUES = 1 << 22
_CACHED_BYTES = 1 << 16
_WIDE: dict[int, Any] = {1: np.float32, 2: np.complex64, 4: np.complex128}


class ScalarQuantizer:
    """Rounds each dimension to the nearest of 2^bits values, which are its own.

        code_i = argmin_j (x_i - values_ij)²        x̂_i = values_i,code_i
        q · x̂ = Σ_i q_i values_i,code_i             (a look-up for each byte of the codes)

    The values minimise the squared error over a sample (Lloyd–Max, see `lloyd_max`). Codes are
    packed: 8 / bits dimensions a byte, the first in the lowest bits, so that 256 dimensions take
    64, 128 or 256 bytes. This is a product quantiser with one dimension a part, in the layout that
    FAISS gives its codes; CDML section 4.1.3 and Table 3.

    Args:
        values: float32 `(d, 2^bits)`, rising in each dimension.

    Attributes:
        values: as above.
        bits: 2, 4 or 8.
        size: d.
        code_size: bytes of a vector, ceil(d · bits / 8).

    Raises:
        ValueError: `values` has another shape, falls, or is not finite.
    """

    def __init__(self, values: np.ndarray) -> None:
        values = np.asarray(values, np.float32)
        if values.ndim != 2 or not len(values) or values.shape[1] not in [1 << b for b in BITS]:
            raise ValueError(
                f"values must have the shape (d, 4), (d, 16) or (d, 256); received {values.shape}"
            )
        if not (np.isfinite(values).all() and (np.diff(values, axis=1) >= 0).all()):
            raise ValueError("values must be finite and rise in each dimension")
        self.values = values
        self.bits = values.shape[1].bit_length() - 1
        self.size = len(values)
        self._per_byte = 8 // self.bits
        self.code_size = -(-self.size // self._per_byte)
        self._middles = (values[:, 1:] + values[:, :-1]) / 2
        self._decoder = self.values_of_bits(8).view(_WIDE[self._per_byte]).ravel()

    @classmethod
    def fit(cls, vectors: np.ndarray, bits: int, seed: int = 0) -> "ScalarQuantizer":
        """The quantiser of least squared error over `vectors`.

        Args:
            vectors: `(n, d)`. Of more than 65,536, so many are drawn: 256 for each value at 8 bits.
            bits: 2, 4 or 8.
            seed: of the draw.

        Raises:
            ValueError: there is no vector, one is not finite, or `bits` is another number.
        """
        if bits not in BITS:
            raise ValueError(f"bits must be 2, 4 or 8; received {bits}")
        if vectors.ndim != 2 or not vectors.size:
            raise ValueError(f"vectors must have the shape (n, d); received {vectors.shape}")
        sample = vectors[sample_rows(len(vectors), seed)]
        if not np.isfinite(sample).all():
            raise ValueError("vectors must be finite")
        return cls(lloyd_max(sample, 1 << bits))

    def encode(self, vectors: np.ndarray) -> np.ndarray:
        """The codes of vectors `(n, d)`: uint8 `(n, code_size)`.

        Raises:
            ValueError: the vectors have another size.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise ValueError(f"vectors must have the shape (n, {self.size}); got {vectors.shape}")
        codes = np.empty((len(vectors), self.code_size), np.uint8)
        step = max(1, _BLOCK_VALUES // self.size)
        for start in range(0, len(vectors), step):
            block = np.ascontiguousarray(vectors[start : start + step].T)
            codes[start : start + step] = self._packed(count_below(self._middles, block).T)
        return codes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The vectors that codes `(n, code_size)` stand for: float32 `(n, d)`."""
        places = np.arange(0, 256 * self.code_size, 256)
        decoded = np.empty(codes.shape, self._decoder.dtype)
        step = max(1, _CACHED_BYTES // self.code_size)
        for start in range(0, len(codes), step):
            block = slice(start, start + step)
            self._decoder.take(codes[block] + places, mode="clip", out=decoded[block])
        decoded = decoded.view(np.float32)
        return decoded[:, : self.size]

    def values_of_bits(self, num_bits: int) -> np.ndarray:
        """The values that each run of `num_bits` bits of the codes stands for.

        Args:
            num_bits: 4 or 8, and at least `bits`.

        Returns:
            float32 `(code_size · 8 / num_bits, 2^num_bits, num_bits / bits)`; zeros for dimensions
            behind the last one.
        """
        dimensions = num_bits // self.bits
        padded = np.zeros((self.code_size * self._per_byte, 1 << self.bits), np.float32)
        padded[: self.size] = self.values
        parts = padded.reshape(-1, dimensions, 1 << self.bits)
        codes = np.arange(1 << num_bits)[:, None] >> self.bits * np.arange(dimensions)
        codes &= (1 << self.bits) - 1
        return np.ascontiguousarray(parts[:, np.arange(dimensions), codes])

    def _packed(self, codes: np.ndarray) -> np.ndarray:
        padded = np.zeros((len(codes), self.code_size, self._per_byte), np.uint8)
        padded.reshape(len(codes), -1)[:, : self.size] = codes
        packed = padded[:, :, 0]
        for place in range(1, self._per_byte):
            packed = packed | padded[:, :, place] << (self.bits * place)
        return packed


def sample_rows(num_rows: int, seed: int = 0) -> np.ndarray:
    """The rows that a quantiser is fitted on, rising: all, or 65,536 drawn."""
    if num_rows <= _SAMPLE:
        return np.arange(num_rows)
    rows = np.random.default_rng(seed).choice(num_rows, _SAMPLE, replace=False)
    return np.sort(rows)
