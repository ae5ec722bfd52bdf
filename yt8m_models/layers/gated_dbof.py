"""Gated deep bag of frames (gated DBoF) pooling."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor
from yt8m_models.layers.batch_normalization import BatchNormalization
from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.normalization import inverse_sqrt_normal, l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class GatedDBoF(FrameLayer):
    """Soft counts of frames per cluster, gated by the largest posteriors.

    With posteriors `P(k|x)` as in `SoftDBoF`, `n(k) = Σ_t P(k|x_t)` and `m(k) = max_t P(k|x_t)`:

        g = σ(BN(m / |m| · R · G)), or with a bias b instead of BN
        output = g ∘ n / |g ∘ n|

    Args:
        num_clusters: K.
        batch_norm: batch normalisation of the assignment and of the gates instead of biases.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K)`; zeros for a video without frames.

    Weights: those of `assign`, a `DecoupledAssignment`; R `reduction_kernel` `(K, D)`, G
    `gating_kernel` `(D, K)`, and `gating_bias` `(K,)` without batch normalisation.

    Raises:
        ValueError: `num_clusters` is below 1.

    Reference: Miech et al. (arXiv 1706.06905), gated Soft-DBoW; the rgb features of
    `GatedDbofModelLF` of WILLOW (its audio features go through `SoftDBoF`).

    Example:
        >>> GatedDBoF(4096)(frames, mask=mask)  # (batch, T, D) -> (batch, 4096)
    """

    def __init__(
        self,
        num_clusters: int,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_clusters = num_clusters
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.assign = DecoupledAssignment(
            num_clusters, batch_norm, batch_norm_decay, name="assign", dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        self.assign.build(input_shape)
        self.reduction_kernel = self.add_weight(
            name="reduction_kernel",
            shape=(self.num_clusters, features),
            initializer=inverse_sqrt_normal(features),
        )
        self.gating_kernel = self.add_weight(
            name="gating_kernel",
            shape=(features, self.num_clusters),
            initializer=inverse_sqrt_normal(features),
        )
        if self.batch_norm:
            self.normalization = BatchNormalization(
                self.batch_norm_decay, name="batch_norm", dtype=self.dtype_policy
            )
            self.normalization.build((None, self.num_clusters))
        else:
            self.gating_bias = self.add_weight(
                name="gating_bias",
                shape=(self.num_clusters,),
                initializer=inverse_sqrt_normal(features),
            )

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        posteriors = self.assign(frames, mask=mask, training=training)  # 0 for padded frames
        counts = ops.sum(posteriors, axis=1)
        largest = ops.cast(l2_normalize(ops.max(posteriors, axis=1)), self.compute_dtype)
        logits = ops.matmul(ops.matmul(largest, self.reduction_kernel), self.gating_kernel)
        if self.batch_norm:
            logits = self.normalization(logits, training=training)
        else:
            logits = logits + self.gating_bias
        gates = ops.sigmoid(ops.cast(logits, "float32"))
        return ops.cast(l2_normalize(gates * counts), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_clusters)
