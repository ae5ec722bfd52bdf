"""Weights of feature networks: from files, at random for trials, and which they are."""

import hashlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yt8m_models.storage import filesystems
from yt8m_models.storage.array_archive import read_arrays
from yt8m_models.storage.keras_weights import load_keras_weights

_RANDOM = "random:"


def load_weights(model: keras.Model, path: str) -> None:
    """Gives a Keras model the weights of a file.

    Args:
        model: a built model.
        path: `.weights.h5`, `.keras` or `.h5`, as Keras writes the weights of a model of these
            layers, or `.npz`, as `np.savez(path, *model.get_weights())` writes them; or
            `random:SEED`, which is no file but random weights, for trials.

    Raises:
        ValueError: there is no such file, or its weights are not those of the model.
    """
    if path.startswith(_RANDOM):
        for index, weight in enumerate(model.weights):
            if len(weight.shape) > 1:
                weight.assign(random_kernel(path, str(index), tuple(weight.shape)))
        return
    require_file(path)
    if path.endswith(".npz"):
        _assign(model, read_arrays(path), path)
    elif path.endswith((".h5", ".keras")):
        load_keras_weights(model, path)
    else:
        raise ValueError(
            f"weights must be a file .weights.h5, .keras, .h5 or .npz; received {path}"
        )


def require_file(path: str) -> None:
    """Raises `ValueError` unless there is such a file."""
    filesystems.require(path)
    if not tf.io.gfile.exists(path):
        raise ValueError(f"there is no file {path}")


def random_kernel(seed: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """He's normal initialisation from `random:SEED`, another for each name.

    Raises:
        ValueError: SEED is not a whole number.
    """
    number = seed.removeprefix(_RANDOM)
    if not number.isdecimal():
        raise ValueError(f"random weights are {_RANDOM}SEED, SEED a whole number; received {seed}")
    digest = hashlib.sha256(name.encode()).digest()
    rng = np.random.default_rng([int(number), *digest])
    is_depthwise = len(shape) == 4 and shape[-1] == 1
    deviation = np.sqrt(2 / np.prod(shape[:2] if is_depthwise else shape[:-1]))
    return rng.standard_normal(shape, np.float32) * np.float32(deviation)


def weights_hash(arrays: Iterable[Any]) -> str:
    """Sixteen digits that are the same only for the same values in the same shapes and order."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, np.float32)
        digest.update(f"{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()[:16]


def _assign(model: keras.Model, arrays: dict[str, np.ndarray], path: str) -> None:
    names = [f"arr_{index}" for index in range(len(model.weights))]
    if set(arrays) != set(names):
        raise ValueError(
            f"{path} must have the arrays arr_0 to {names[-1]}, the weights of {model.name} in "
            f"order; it has {len(arrays)} arrays: {', '.join(list(arrays)[:3])}, …"
        )
    for name, weight in zip(names, model.weights, strict=True):
        if arrays[name].shape != tuple(weight.shape):
            raise ValueError(
                f"{path}: {name} must have the shape {tuple(weight.shape)} of {weight.path} of "
                f"{model.name}; its shape is {arrays[name].shape}"
            )
        weight.assign(arrays[name])
