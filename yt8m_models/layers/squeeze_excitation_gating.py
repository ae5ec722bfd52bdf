"""Squeeze-and-excitation gating."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor, check_positive
from yt8m_models.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="yt8m_models")
class SqueezeExcitationGating(BaseLayer):
    """Gates each feature through a bottleneck: `y = σ(relu(BN(x W)) U) ∘ x`, `relu(x W + b)`
    without batch normalisation.

    Args:
        reduction: how many times narrower than the input the bottleneck is.
        batch_norm: normalise the bottleneck over the batch instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Input and output: `(batch, D)`.

    Weights: W `squeeze_kernel` `(D, D // reduction)`, U `excitation_kernel` `(D // reduction, D)`,
    and `squeeze_bias` `(D // reduction,)` without batch normalisation.

    Raises:
        ValueError: `reduction` is below 1, or larger than the width of the input.

    Reference: Hu et al., Squeeze-and-Excitation Networks (arXiv 1709.01507), equation 3; as in
    NeXtVLAD (arXiv 1811.05014), section 3.

    Example:
        >>> SqueezeExcitationGating(8)(activations)
    """

    def __init__(
        self,
        reduction: int = 8,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(reduction=reduction)
        self.reduction = reduction
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        squeezed = features // self.reduction
        if squeezed < 1:
            raise ValueError(
                f"reduction must be at most the width of the input, {features}; received "
                f"{self.reduction}"
            )
        self.squeeze_kernel = self.add_weight(
            name="squeeze_kernel", shape=(features, squeezed), initializer="he_normal"
        )
        self.excitation_kernel = self.add_weight(
            name="excitation_kernel", shape=(squeezed, features), initializer="he_normal"
        )
        if self.batch_norm:
            self.normalization = BatchNormalization(
                self.batch_norm_decay, name="batch_norm", dtype=self.dtype_policy
            )
            self.normalization.build((None, squeezed))
        else:
            self.squeeze_bias = self.add_weight(
                name="squeeze_bias", shape=(squeezed,), initializer="zeros"
            )

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        squeezed = ops.matmul(inputs, self.squeeze_kernel)
        if self.batch_norm:
            squeezed = self.normalization(squeezed, training=training)
        else:
            squeezed = squeezed + self.squeeze_bias
        return inputs * ops.sigmoid(ops.matmul(ops.relu(squeezed), self.excitation_kernel))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
