"""Features of the backbones of KerasHub: networks of pictures, and VideoPrism."""

import importlib
import json
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.backbones.images import BATCH_SIZE, features_in_batches
from yt8m_models.backbones.model_weights import load_weights, weights_hash

_CONVERSION = (
    *("image_size", "scale", "offset", "interpolation", "antialias"),
    *("crop_to_aspect_ratio", "pad_to_aspect_ratio"),
)


class KerasHubBackbone:
    """Averages over what a backbone of KerasHub tells of each place in a picture.

    The places are pixels of a feature map or tokens of a transformer (its class token is one of
    them). A network of videos, such as VideoPrism, looks at `run_length` pictures in a row and has
    features of each; the last run of a call is filled with its last picture. A picture is resized
    and scaled as the preset's image converter says, which often crops, and does no anti-aliasing.

    Args:
        preset: what `keras_hub.models.Backbone.from_preset` takes, such as
            `videoprism_public_v1_base` or the directory of a preset.
        weights: a file, see `model_weights.load_weights`; the preset's unless given.

    Attributes:
        name, size, settings, run_length: see `ImageModel`.

    Raises:
        ValueError: KerasHub is not installed, there is no such preset, it cannot be downloaded, or
            it is no network of pictures or of videos alone.
    """

    prefix = "keras_hub:"

    def __init__(self, preset: str, weights: str = "") -> None:
        self.name = f"{self.prefix}{preset}"
        keras_hub = _keras_hub(self.name)
        try:
            model = keras_hub.models.Backbone.from_preset(preset, load_weights=not weights)
            self._convert = keras_hub.layers.ImageConverter.from_preset(preset)
        except Exception as error:  # each host of presets has exceptions of its own
            reason = str(error).partition("\n")[0]
            raise ValueError(f"--rgb_model={self.name} cannot be loaded: {reason}") from error
        is_plain = not isinstance(model.input, dict) and not isinstance(model.output, dict)
        shape: tuple[Any, ...] = model.input.shape if is_plain else ()
        if len(shape) not in (4, 5) or self._convert.image_size is None:
            raise ValueError(
                f"--rgb_model={self.name} must take pictures, or videos, and nothing else; "
                f"{type(model).__name__} does not"
            )
        if weights:
            load_weights(model, weights)
        self.run_length = shape[1] if len(shape) == 5 else 1
        self.size = int(model.output.shape[-1])
        config = self._convert.get_config()
        self.settings: dict[str, Any] = {
            "name": self.name,
            "weights": weights_hash(model.get_weights()),
            "size": self.size,
            "preprocessing": json.loads(json.dumps({key: config[key] for key in _CONVERSION})),
        }
        self._is_of_videos = len(shape) == 5
        first = len(shape) - 3  # axis of the output: after the batch, and the frames of a video

        def features(pixels: tf.Tensor) -> tf.Tensor:
            output = model(pixels, training=False)
            return tf.reduce_mean(output, axis=list(range(first, len(output.shape) - 1)))

        sides = self._convert.image_size
        self._network = tf.function(
            features, input_signature=[tf.TensorSpec((*shape[:-3], *sides, 3), tf.float32)]
        )

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        batch_size = max(1, BATCH_SIZE // self.run_length) * self.run_length
        return features_in_batches(images, self.size, self._features, batch_size)

    def _features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        pixels = np.stack([np.asarray(self._convert(image), np.float32) for image in images])
        if self._is_of_videos:
            missing = -len(images) % self.run_length
            pixels = np.concatenate([pixels, np.repeat(pixels[-1:], missing, axis=0)])
            pixels = pixels.reshape(-1, self.run_length, *pixels.shape[1:])
        features: np.ndarray = self._network(pixels).numpy()
        return features.reshape(-1, self.size)[: len(images)]


def _keras_hub(name: str) -> ModuleType:
    try:
        return importlib.import_module("keras_hub")
    except ModuleNotFoundError as error:
        if error.name != "keras_hub":
            raise
        raise ValueError(
            f"--rgb_model={name} needs KerasHub, which is not installed: pip install keras-hub"
        ) from error
