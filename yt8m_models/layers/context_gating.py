"""Context gating."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor
from yt8m_models.layers.batch_normalization import BatchNormalization
from yt8m_models.layers.normalization import inverse_sqrt_normal


@keras.saving.register_keras_serializable(package="yt8m_models")
class ContextGating(BaseLayer):
    """Weighs each feature by the others: `y = σ(BN(x W)) ∘ x`, or `σ(x W + b) ∘ x`.

    Args:
        remove_diagonal: leave a feature out of its own gate: `W_ii` counts as 0.
        batch_norm: normalise the gates' logits over the batch instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Input and output: `(batch, D)`, of one dtype: in half precision only the gates are computed in
    it, and float32 inputs stay float32.

    Weights: `gating_kernel` `(D, D)`, and `gating_bias` `(D,)` without batch normalisation.

    Reference: Miech et al., Learnable pooling with Context Gating (arXiv 1706.06905), equation 1.

    Example:
        >>> ContextGating(remove_diagonal=True)(activations)
    """

    def __init__(
        self,
        remove_diagonal: bool = False,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.remove_diagonal = remove_diagonal
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        self.gating_kernel = self.add_weight(
            name="gating_kernel",
            shape=(features, features),
            initializer=inverse_sqrt_normal(features),
        )
        if self.batch_norm:
            self.normalization = BatchNormalization(
                self.batch_norm_decay, name="batch_norm", dtype=self.dtype_policy
            )
            self.normalization.build((None, features))
        else:
            self.gating_bias = self.add_weight(
                name="gating_bias", shape=(features,), initializer=inverse_sqrt_normal(features)
            )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        features = ops.cast(inputs, self.compute_dtype)
        kernel = ops.cast(self.gating_kernel, self.compute_dtype)
        logits = ops.matmul(features, kernel)
        if self.remove_diagonal:
            logits = logits - features * ops.diagonal(kernel)
        if self.batch_norm:
            logits = self.normalization(logits, training=training)
        else:
            logits = logits + ops.cast(self.gating_bias, self.compute_dtype)
        return inputs * ops.cast(ops.sigmoid(logits), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
