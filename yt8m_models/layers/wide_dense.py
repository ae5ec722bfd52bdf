"""A dense layer of very many inputs."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.devices import loops_on_cpu

_WIDE = 2**17
_PIECE = 2**10


@keras.saving.register_keras_serializable(package="yt8m_models")
class WideDense(keras.layers.Dense):
    """`keras.layers.Dense` that takes 131,072 inputs or more in pieces in training on CPUs.

        y = Σ_p x_p · W_p + b

    From that width on XLA's product for CPUs takes twice as long, and VLAD matrices are as wide:
    `(80, 262144) · (262144, 1024)` takes two cores 0.14 s in pieces of 1,024 inputs, whose products
    are added one by one, and 0.36 s at once. The gradient's two products are taken at once. Below
    that width, on other devices, on PyTorch, and in inference, which XLA does not compile unless
    asked to, it is `keras.layers.Dense`.

    Inputs: `(batch, features)`. Output: `(batch, units)`.
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        count = _num_pieces(inputs.shape[-1]) if training else 1
        if count == 1:
            return super().call(inputs, training=training)
        outputs = _product_in_pieces(inputs, self.kernel, count)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


def _num_pieces(features: int) -> int:
    if features < _WIDE or not loops_on_cpu():
        return 1
    return max(count for count in range(1, features // _PIECE + 1) if features % count == 0)


def _product_in_pieces(inputs: Tensor, kernel: Tensor, count: int) -> Tensor:
    """`inputs @ kernel`, summed over `count` pieces of the dimension between them."""
    features, units = kernel.shape

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def product(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[..., Any]]:
        pieces = ops.transpose(ops.reshape(inputs, (-1, *kernel.shape[:2])), (1, 0, 2))

        def add(piece: Tensor, total: Tensor) -> Tensor:
            return total + ops.cast(ops.matmul(pieces[piece], kernel[piece]), "float32")

        total = ops.zeros((ops.shape(inputs)[0], units), "float32")
        outputs = ops.cast(ops.fori_loop(0, count, add, total), inputs.dtype)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            whole = ops.reshape(kernel, (features, units))
            of_kernel = ops.matmul(ops.transpose(inputs), upstream)
            return ops.matmul(upstream, ops.transpose(whole)), ops.reshape(of_kernel, kernel.shape)

        return outputs, gradient

    # Outside of the function, because TensorFlow's custom gradients treat variables differently.
    return product(inputs, ops.reshape(kernel, (count, features // count, units)))
