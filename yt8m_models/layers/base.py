"""What all layers share, and names for what Keras leaves untyped."""

import inspect
from typing import Any

import keras

Tensor = Any  # of any backend of Keras, or symbolic
Shape = tuple[Any, ...]  # a size that is not known is None


def check_positive(**sizes: int) -> None:
    """Raises a `ValueError` that names the first size that is below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1; received {size}")


class BaseLayer(keras.layers.Layer):
    """A layer each of whose arguments is an attribute of that name, and so its configuration."""

    def get_config(self) -> dict[str, Any]:
        layer_type: Any = type(self)
        names = [*inspect.signature(layer_type.__init__).parameters]
        own = {name: getattr(self, name) for name in names if name not in ("self", "kwargs")}
        return {**super().get_config(), **own}


class FrameLayer(BaseLayer):
    """A layer of frames `(batch, T, D)` and their `mask`, which it does not hand on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, frames: Tensor, mask: Tensor | None = None) -> None:
        return None
