"""Normalisations that several layers share."""

import keras
from keras import ops

from yt8m_models.layers.base import Tensor

EPSILON = 1e-12


def l2_normalize(x: Tensor, axis: int = -1) -> Tensor:
    """`x / |x|` over `axis` in float32; zero vectors stay zero, and have zero gradients."""
    x = ops.cast(x, "float32")
    squared_norm = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * inverse_norm(squared_norm)


def inverse_norm(squared_norm: Tensor) -> Tensor:
    """`1 / |x|` of squared norms `|x|²`, as in `l2_normalize`."""
    return ops.rsqrt(ops.maximum(squared_norm, EPSILON))


def inverse_sqrt_normal(fan_in: int) -> keras.initializers.Initializer:
    """The original programs' initialiser: normal with deviation `1 / sqrt(fan_in)`."""
    return keras.initializers.RandomNormal(stddev=float(fan_in) ** -0.5)
