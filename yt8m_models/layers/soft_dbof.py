"""Soft deep bag of frames (soft DBoF) pooling."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor
from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class SoftDBoF(FrameLayer):
    """Counts the frames of each of K clusters by their soft assignments.

        n(k) = Σ_t P(k|x_t),   P(k|x) = softmax_k(BN(x W)) or softmax_k(x W + b)
        output = n / |n|, with `max_pool` followed by m / |m|, m(k) = max_t P(k|x_t)

    Args:
        num_clusters: K.
        max_pool: append the largest posterior of each cluster.
        batch_norm: normalise `x W` over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K)`, or `(batch, 2 K)` with `max_pool`; zeros for a video without frames.

    Weights: those of `assign`, a `DecoupledAssignment`.

    Raises:
        ValueError: `num_clusters` is below 1.

    Reference: Miech et al. (arXiv 1706.06905), Soft-DBoW; `SoftDbofModelLF` of WILLOW.

    Example:
        >>> SoftDBoF(4096, max_pool=True)(frames, mask=mask)  # (batch, T, D) -> (batch, 8192)
    """

    def __init__(
        self,
        num_clusters: int,
        max_pool: bool = False,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_clusters = num_clusters
        self.max_pool = max_pool
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.assign = DecoupledAssignment(
            num_clusters, batch_norm, batch_norm_decay, name="assign", dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        self.assign.build(input_shape)

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        posteriors = self.assign(frames, mask=mask, training=training)  # 0 for padded frames
        pooled = l2_normalize(ops.sum(posteriors, axis=1))
        if self.max_pool:
            largest = l2_normalize(ops.max(posteriors, axis=1))
            pooled = ops.concatenate([pooled, largest], axis=-1)
        return ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_clusters * (2 if self.max_pool else 1))
