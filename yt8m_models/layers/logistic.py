"""One logistic classifier a class."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor


@keras.saving.register_keras_serializable(package="yt8m_models")
class Logistic(BaseLayer):
    """Independent logistic regressions: `p_c = σ(w_c·x + b_c)`.

    Args:
        num_classes: C.
        l2: penalty `l2 / 2 · Σ w²` of the kernel, as in the starter code.

    Input `(batch, D)`; output float32 `(batch, C)`: probabilities, or logits by
    `call(x, return_logits=True)`.

    Weights: `kernel` `(D, C)` and `bias` `(C,)`.

    Example:
        >>> Logistic(3862)(activations)
    """

    def __init__(self, num_classes: int, l2: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.l2 = l2

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.num_classes),
            initializer="glorot_uniform",
            regularizer=keras.regularizers.L2(self.l2 / 2),
        )
        self.bias = self.add_weight(name="bias", shape=(self.num_classes,), initializer="zeros")

    def call(self, inputs: Tensor, return_logits: bool = False) -> Tensor:
        logits = ops.cast(ops.matmul(inputs, self.kernel) + self.bias, "float32")
        return logits if return_logits else ops.sigmoid(logits)

    def compute_output_spec(self, inputs: Tensor, return_logits: bool = False) -> Tensor:
        return keras.KerasTensor((inputs.shape[0], self.num_classes), dtype="float32")
