"""Attention pooling with weights of their own for each feature."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive

_LEAST = 1e-7  # of a frame's weight, so that they never add up to 0


@keras.saving.register_keras_serializable(package="yt8m_models")
class FeatureAttentionPooling(FrameLayer):
    """Weighted means over frames, in which each output has weights of its own.

        v_t = x_t V + b,  a_t = σ(x_t W + c)               (H,) for each frame
        output_j = Σ_t a_tj v_tj / Σ_t a_tj                over the valid frames

    Args:
        units: H.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, H)`; zeros for a video without frames.

    Weights: V `values_kernel` and W `attention_kernel` `(D, H)`, b `values_bias` and c
    `attention_bias` `(H,)`.

    Raises:
        ValueError: `units` is below 1.

    Reference: Kong et al., Weakly Labelled AudioSet Tagging with Attention Neural Networks (arXiv
    1903.00765), feature-level attention.

    Example:
        >>> FeatureAttentionPooling(1024)(frames, mask=mask)  # (batch, T, D) -> (batch, 1024)
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive(units=units)
        self.units = units

    def build(self, input_shape: Shape) -> None:
        shape = (input_shape[-1], self.units)
        self.values_kernel = self.add_weight(name="values_kernel", shape=shape)
        self.values_bias = self.add_weight(
            name="values_bias", shape=(self.units,), initializer="zeros"
        )
        self.attention_kernel = self.add_weight(name="attention_kernel", shape=shape)
        self.attention_bias = self.add_weight(
            name="attention_bias", shape=(self.units,), initializer="zeros"
        )

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        values = ops.cast(ops.matmul(frames, self.values_kernel) + self.values_bias, "float32")
        logits = ops.matmul(frames, self.attention_kernel) + self.attention_bias
        weights = ops.maximum(ops.sigmoid(ops.cast(logits, "float32")), _LEAST)
        if mask is not None:
            weights = weights * ops.expand_dims(ops.cast(mask, "float32"), -1)
        totals = ops.maximum(ops.sum(weights, axis=1), _LEAST)
        return ops.cast(ops.sum(weights * values, axis=1) / totals, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.units)
