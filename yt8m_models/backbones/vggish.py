"""The VGGish network, which YouTube-8M's audio features were made with."""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.backbones.model_weights import random_kernel, require_file, weights_hash
from yt8m_models.compat.tf1_checkpoint import TF1Checkpoint
from yt8m_models.storage.array_archive import read_arrays

_FRAMES, _BANDS = 96, 64
_CONVOLUTIONS = (
    *(("conv1",), ("conv2",)),
    *(("conv3/conv3_1", "conv3/conv3_2"), ("conv4/conv4_1", "conv4/conv4_2")),
)
_DENSE = ("fc1/fc1_1", "fc1/fc1_2", "fc2")
_BATCH_SIZE = 64


class VGGish:
    """Features of log-mel patches by VGGish.

    Convolutions of 3x3 with ReLU in four groups, 2x2 max pooling after each, then three dense
    layers, ReLU after all but the last: `vggish/fc2/BiasAdd` of the original graph.

    Args:
        weights: the prefix of a TensorFlow 1 checkpoint, such as the public `vggish_model.ckpt`, or
            an `.npz` of its variables by their names; or `random:SEED`, for trials. Variables
            outside the scope `vggish/` do not matter, nor do those of an optimizer.
        widths: channels of the four groups of convolutions.
        hidden_size: of the first two dense layers.
        size: width of a feature.

    Attributes:
        name, size, settings: see `AudioModel`.

    Raises:
        ValueError: there is no such file, or a variable is missing, is none of VGGish's or has
            another shape; the message names it.

    Hershey et al., CNN Architectures for Large-Scale Audio Classification (ICASSP 2017).
    """

    name = "vggish"

    def __init__(
        self,
        weights: str,
        widths: tuple[int, int, int, int] = (64, 128, 256, 512),
        hidden_size: int = 4096,
        size: int = 128,
    ) -> None:
        self.size = size
        shapes = _shapes(widths, hidden_size, size)
        variables = _variables(weights, shapes)
        self.settings: dict[str, Any] = {
            "name": self.name,
            "weights": weights_hash(variables[name] for name in shapes),
            "size": size,
            "preprocessing": "none: log-mel patches as they are",
        }
        self._variables = {name: tf.constant(value) for name, value in variables.items()}
        self._network = tf.function(
            self._forward, input_signature=[tf.TensorSpec((None, _FRAMES, _BANDS), tf.float32)]
        )

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """The features, float32 `(patches, size)`, of patches float32 `(patches, 96, 64)`."""
        require_patches(patches)
        batches = [
            self._network(patches[start : start + _BATCH_SIZE]).numpy()
            for start in range(0, len(patches), _BATCH_SIZE)
        ]
        return np.concatenate([np.empty((0, self.size), np.float32), *batches])

    def _forward(self, patches: tf.Tensor) -> tf.Tensor:
        values = patches[..., None]  # (batch, 96, 64, 1)
        for group in _CONVOLUTIONS:
            for layer in group:
                kernel, bias = self._layer(layer)
                values = tf.nn.relu(tf.nn.conv2d(values, kernel, 1, "SAME") + bias)
            values = tf.nn.max_pool2d(values, 2, 2, "SAME")
        values = tf.reshape(values, (-1, self._layer(_DENSE[0])[0].shape[0]))
        for layer in _DENSE:
            kernel, bias = self._layer(layer)
            values = values @ kernel + bias
            if layer != _DENSE[-1]:
                values = tf.nn.relu(values)
        return values

    def _layer(self, name: str) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self._variables
        return variables[f"vggish/{name}/weights"], variables[f"vggish/{name}/biases"]


def require_patches(patches: np.ndarray) -> None:
    """Raises `ValueError` unless these are log-mel patches, `(n, 96, 64)`."""
    if patches.ndim != 3 or patches.shape[1:] != (_FRAMES, _BANDS):
        raise ValueError(
            f"patches must have the shape (n, {_FRAMES}, {_BANDS}); received {patches.shape}"
        )


def _shapes(widths: tuple[int, ...], hidden_size: int, size: int) -> dict[str, tuple[int, ...]]:
    """The shape of each variable, in the order of the layers."""
    kernels: dict[str, tuple[int, ...]] = {}
    channels, pixels = 1, _FRAMES * _BANDS
    for group, width in zip(_CONVOLUTIONS, widths, strict=True):
        for layer in group:
            kernels[layer] = (3, 3, channels, width)
            channels = width
        pixels //= 4
    sizes = (pixels * channels, hidden_size, hidden_size, size)
    kernels |= dict(zip(_DENSE, itertools.pairwise(sizes), strict=True))
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, shape in kernels.items():
        shapes |= {f"vggish/{layer}/weights": shape, f"vggish/{layer}/biases": shape[-1:]}
    return shapes


def _variables(path: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    if path.startswith("random:"):
        return {
            name: random_kernel(path, name, shape)
            if len(shape) > 1
            else np.zeros(shape, np.float32)
            for name, shape in shapes.items()
        }
    if path.endswith(".npz"):
        require_file(path)
        arrays = read_arrays(path)
        _check({name: array.shape for name, array in arrays.items()}, shapes, path)
        return {name: np.asarray(arrays[name], np.float32) for name in shapes}
    checkpoint = TF1Checkpoint(path)
    _check(checkpoint.shapes, shapes, path)
    return {name: np.asarray(checkpoint.read(name), np.float32) for name in shapes}


def _check(
    found: dict[str, tuple[int, ...]], shapes: dict[str, tuple[int, ...]], path: str
) -> None:
    wrong = [f"{name} is missing" for name in shapes if name not in found]
    wrong += [
        f"{name} has the shape {found[name]} and must have {shape}"
        for name, shape in shapes.items()
        if name in found and found[name] != shape
    ]
    wrong += [
        f"{name} is none of its variables"
        for name in found
        if name.startswith("vggish/") and name not in shapes
    ]
    if wrong:
        raise ValueError("\n    ".join([f"{path} is not VGGish:", *wrong]))
