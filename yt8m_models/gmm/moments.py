"""Sums over all frames that no iteration of EM changes."""

import numpy as np


class Moments:
    """Count, `Σ x` and `Σ x xᵀ` of frames, about a fixed point near them.

    With a covariance that all clusters share, `Σ_n x_n x_nᵀ` is all that EM needs of the frames'
    second order, so it is summed once. The frames are float32 and the sums float64.

    Args:
        shift: the point c, `(D,)`; sums are of `x - c`, so that they cancel less.
        full: whether `squares` is the matrix `Σ (x-c)(x-c)ᵀ` or only its diagonal.

    Attributes:
        shift: c, float32 `(D,)`.
        count: frames so far.
        squares: float64 `(D, D)` or `(D,)`.
    """

    def __init__(self, shift: np.ndarray, full: bool) -> None:
        self.shift = np.asarray(shift, np.float32)
        self.count = 0
        self.squares = np.zeros(self.shift.shape * (2 if full else 1))

    def add(self, frames: np.ndarray) -> None:
        """Adds frames `(n, D)`."""
        shifted = (frames - self.shift).astype(np.float64)
        self.count += len(frames)
        if self.squares.ndim == 2:
            self.squares += shifted.T @ shifted
        else:
            self.squares += np.einsum("nd,nd->d", shifted, shifted)
