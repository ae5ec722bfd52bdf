"""Principal components of data that comes batch by batch."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Components(NamedTuple):
    """Principal components of one feature.

    Attributes:
        mean: `(size,)` float64.
        projection: `(components, size)` float64, a component a row, those of the greatest variance
            first; the entry with the largest absolute value is positive in each.
        variances: of the components before any whitening, `(components,)` float64.
    """

    mean: np.ndarray
    projection: np.ndarray
    variances: np.ndarray


class StreamingPCA:
    """Principal components from sums over batches: nothing but a `size x size` matrix is kept.

    The sum and the second moment are in float64, and about the mean of the first batch, so that
    a mean far from 0 costs no precision: `C = Σ (x-c)(x-c)ᵀ / n - (μ-c)(μ-c)ᵀ`. The components are
    the eigenvectors of C.

    Args:
        size: dimensions of the data.

    Attributes:
        count: rows so far.

    Raises:
        ValueError: `size` is below 1.

    Example:
        >>> pca = StreamingPCA(128)
        >>> for batch in batches:
        ...     pca.add(batch)
        >>> mean, projection, variances = pca.components(64)
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1; received {size}")
        self.size = size
        self.count = 0
        self._shift = np.zeros(size)
        self._sum = np.zeros(size)
        self._squares = np.zeros((size, size))

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> "StreamingPCA":
        """The sums that `state` gave."""
        pca = cls(len(state["shift"]))
        pca.count = int(state["count"])
        pca._shift, pca._sum, pca._squares = state["shift"], state["sum"], state["squares"]
        return pca

    def state(self) -> dict[str, np.ndarray]:
        """Arrays from which `from_state` goes on."""
        return {
            "count": np.array(self.count),
            "shift": self._shift,
            "sum": self._sum,
            "squares": self._squares,
        }

    @property
    def total_variance(self) -> float:
        """The variances of all dimensions together; 0 without rows."""
        return float(np.trace(self._covariance())) if self.count else 0.0

    def add(self, rows: np.ndarray) -> None:
        """Adds rows `(n, size)`.

        Raises:
            ValueError: they have another shape, or a value is infinite or not a number.
        """
        rows = np.asarray(rows, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.size:
            raise ValueError(f"rows must have the shape (n, {self.size}); received {rows.shape}")
        if not np.isfinite(rows).all():
            raise ValueError("rows must be finite; one has a value that is infinite or NaN")
        if not len(rows):
            return
        if not self.count:
            self._shift = rows.mean(axis=0)
        shifted = rows - self._shift
        self.count += len(rows)
        self._sum += shifted.sum(axis=0)
        self._squares += shifted.T @ shifted

    def components(self, number: int, whiten: bool = False) -> Components:
        """The components of the greatest variance.

        Args:
            number: how many.
            whiten: divide each by the deviation along it, so that all projections vary by 1.

        Raises:
            ValueError: there are fewer dimensions or fewer rows than components, or `whiten` and
                the data does not vary in so many directions.
        """
        if not 1 <= number <= self.size:
            raise ValueError(
                f"number must be at least 1 and at most {self.size}, the dimensions of the data; "
                f"received {number}"
            )
        if self.count < number:
            raise ValueError(
                f"{number} components need at least {number} rows; received {self.count}"
            )
        variances, vectors = np.linalg.eigh(self._covariance())
        variances = np.maximum(variances[::-1][:number], 0.0)
        projection = vectors[:, ::-1][:, :number].T
        largest = np.abs(projection).argmax(axis=1)
        projection = projection * np.sign(projection[np.arange(number), largest])[:, None]
        if whiten:
            if variances[-1] <= variances[0] * self.size * np.finfo(np.float64).eps:
                raise ValueError(
                    f"whitening {number} components needs data that varies in so many directions; "
                    f"that of the last has variance {variances[-1]:g}, the first {variances[0]:g}"
                )
            projection = projection / np.sqrt(variances)[:, None]
        return Components(self._shift + self._sum / self.count, projection, variances)

    def _covariance(self) -> np.ndarray:
        offset = self._sum / self.count
        covariance: np.ndarray = self._squares / self.count - np.outer(offset, offset)
        return covariance
