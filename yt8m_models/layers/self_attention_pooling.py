"""Structured self-attention pooling."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.normalization import inverse_sqrt_normal


@keras.saving.register_keras_serializable(package="yt8m_models")
class SelfAttentionPooling(FrameLayer):
    """Weighted means of a video's frames, one a head, whose weights the frames give themselves.

        A = softmax_t(tanh(x_t W) U)         (T, H), over the valid frames
        V(h) = Σ_t A_th x_t

    Args:
        num_heads: H.
        attention_size: width of the hidden layer, the columns of W.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, H · D)`, flattened row-major from `(H, D)`; zeros for a video without frames.

    Weights: W `attention_kernel` `(D, attention_size)` and U `heads_kernel` `(attention_size, H)`.

    Raises:
        ValueError: `num_heads` or `attention_size` is below 1.

    Reference: Lin et al., A Structured Self-attentive Sentence Embedding (arXiv 1703.03130),
    equations 6 and 7, without its penalty on heads that look alike.

    Example:
        >>> SelfAttentionPooling(8)(frames, mask=mask)  # (batch, T, D) -> (batch, 8 * D)
    """

    def __init__(self, num_heads: int = 8, attention_size: int = 256, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive(num_heads=num_heads, attention_size=attention_size)
        self.num_heads = num_heads
        self.attention_size = attention_size

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        self.attention_kernel = self.add_weight(
            name="attention_kernel",
            shape=(features, self.attention_size),
            initializer=inverse_sqrt_normal(features),
        )
        self.heads_kernel = self.add_weight(
            name="heads_kernel",
            shape=(self.attention_size, self.num_heads),
            initializer=inverse_sqrt_normal(self.attention_size),
        )

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        hidden = ops.tanh(ops.matmul(frames, self.attention_kernel))
        logits = ops.cast(ops.matmul(hidden, self.heads_kernel), "float32")  # (batch, T, H)
        if mask is not None:
            mask = ops.expand_dims(mask, -1)
            logits = ops.where(mask, logits, -1e30)
        # Keras's softmax warns where a video has one frame.
        weights = ops.exp(logits - ops.logsumexp(logits, axis=1, keepdims=True))
        if mask is not None:
            weights = ops.where(mask, weights, 0.0)  # they were equal without valid frames
        means = ops.matmul(ops.transpose(weights, (0, 2, 1)), ops.cast(frames, "float32"))
        pooled = ops.reshape(means, (-1, self.num_heads * frames.shape[-1]))
        return ops.cast(pooled, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_heads * input_shape[-1])
