"""Features of the networks that Keras brings."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yt8m_models.backbones.images import features_in_batches, resized
from yt8m_models.backbones.model_weights import load_weights, weights_hash

_SIDE = 224
_SIDES = {
    **{"inception_v3": 299, "InceptionResNetV2": 299, "Xception": 299, "NASNetLarge": 331},
    **{"EfficientNetB1": 240, "EfficientNetB2": 260, "EfficientNetB3": 300, "EfficientNetB4": 380},
    **{"EfficientNetB5": 456, "EfficientNetB6": 528, "EfficientNetB7": 600},
    **{"EfficientNetV2B1": 240, "EfficientNetV2B2": 260, "EfficientNetV2B3": 300},
    **{"EfficientNetV2S": 384, "EfficientNetV2M": 480, "EfficientNetV2L": 480},
}


def _applications() -> dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]]:
    """Name -> how Keras builds the network, and its preprocessing, from the network's module."""
    public = vars(keras.applications)
    builders = {name: build for name, build in public.items() if inspect.isfunction(build)}
    builders["inception_v3"] = builders.pop("InceptionV3")
    return {
        name: (build, public[build.__module__.rpartition(".")[2]].preprocess_input)
        for name, build in builders.items()
    }


APPLICATIONS = _applications()


class KerasApplication:
    """Averages over the last feature map of a network of `keras.applications`.

    A picture is resized to the side that the network was trained with (bilinear with anti-aliasing,
    whole, so that its proportions are not kept), and preprocessed as the network's module says:
    `x / 127.5 - 1` for Inception v3.

    Args:
        name: a key of `APPLICATIONS`.
        weights: a file, see `model_weights.load_weights`; ImageNet's unless given, which Keras
            downloads when it first needs them.

    Attributes:
        name, size, settings, run_length: see `ImageModel`.

    Raises:
        ValueError: the weights cannot be downloaded, or the file does not fit.
    """

    run_length = 1

    def __init__(self, name: str, weights: str = "") -> None:
        self.name = name
        build, preprocess = APPLICATIONS[name]
        self._side = _SIDES.get(name, _SIDE)
        arguments = {
            "include_top": False,
            "pooling": "avg",
            "input_shape": (self._side, self._side, 3),
        }
        if weights:
            model = build(weights=None, **arguments)
            load_weights(model, weights)
        else:
            model = _with_downloaded_weights(name, build, arguments)
        self.size = int(model.output_shape[-1])
        self.settings: dict[str, Any] = {
            "name": name,
            "weights": weights_hash(model.get_weights()),
            "size": self.size,
            "preprocessing": f"bilinear to {self._side}x{self._side} with anti-aliasing, then "
            f"{preprocess.__module__.rpartition('.')[2]}.preprocess_input of Keras",
        }
        self._network = tf.function(
            lambda images: model(preprocess(images), training=False),
            input_signature=[tf.TensorSpec((None, self._side, self._side, 3), tf.float32)],
        )

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return features_in_batches(images, self.size, self._features)

    def _features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        features: np.ndarray = self._network(resized(images, self._side)).numpy()
        return features


def _with_downloaded_weights(
    name: str, build: Callable[..., Any], arguments: dict[str, Any]
) -> keras.Model:
    try:
        return build(weights="imagenet", **arguments)  # type: ignore[no-any-return]
    except Exception as error:  # Keras raises bare exceptions for failed downloads
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"--rgb_model={name}: ImageNet's weights cannot be downloaded ({reason}); "
            "--rgb_weights takes a file of weights instead: .weights.h5, .keras, .h5 or .npz"
        ) from error
