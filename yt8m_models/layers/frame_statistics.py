"""Statistics of frames that are assigned to clusters."""

from functools import cached_property

from keras import ops

from yt8m_models.layers.base import Tensor


class FrameStatistics:
    """What each cluster sees of each video, computed when it is first asked for.

    Args:
        posteriors: `P(k|x_t)`, float32 `(batch, T, K)`, 0 for padded frames.
        frames: float32 `(batch, T, D)`.
    """

    def __init__(self, posteriors: Tensor, frames: Tensor) -> None:
        self.posteriors = posteriors
        self.frames = frames

    @cached_property
    def counts(self) -> Tensor:
        """`n(k) = Σ_t P(k|x_t)`: `(batch, K)`."""
        return ops.sum(self.posteriors, axis=1)

    @cached_property
    def sums(self) -> Tensor:
        """`S_x(k) = Σ_t P(k|x_t) x_t`: `(batch, K, D)`."""
        return self._weighted_sum(self.frames)

    @cached_property
    def squares(self) -> Tensor:
        """`S_x2(k) = Σ_t P(k|x_t) x_t²`: `(batch, K, D)`."""
        return self._weighted_sum(ops.square(self.frames))

    def residuals(self, means: Tensor) -> Tensor:
        """`Σ_t P(k|x_t) (x_t - μ_k)` for means `(K, D)`: `(batch, K, D)`."""
        return self.sums - ops.expand_dims(self.counts, -1) * means

    def squared_residuals(self, means: Tensor) -> Tensor:
        """`Σ_t P(k|x_t) (x_t - μ_k)²` for means `(K, D)`: `(batch, K, D)`."""
        return self.squares - means * (self.sums + self.residuals(means))

    def residual_products(self, means: Tensor) -> Tensor:
        """`Σ_t P(k|x_t) (x_t - μ_k) (x_t - μ_k)ᵀ` for means `(K, D)`: `(batch, K, D, D)`."""
        posteriors, frames = ops.expand_dims(self.posteriors, -1), ops.expand_dims(self.frames, -2)
        weighted = ops.transpose(posteriors * frames, (0, 2, 3, 1))  # (batch, K, D, T)
        products = ops.matmul(weighted, ops.expand_dims(self.frames, 1))
        columns, rows = ops.expand_dims(means, -1), ops.expand_dims(means, -2)
        return (
            products
            - columns * ops.expand_dims(self.sums, -2)
            - ops.expand_dims(self.residuals(means), -1) * rows
        )

    def _weighted_sum(self, values: Tensor) -> Tensor:
        return ops.matmul(ops.transpose(self.posteriors, (0, 2, 1)), values)
