"""Weights by name in a safetensors file: numbers, and nothing that is run when it is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from yt8m_models.program.extras import require
from yt8m_models.storage.whole_file import whole_file

_FLOAT32 = "F32"


def named_weights(model: keras.Model) -> dict[str, Any]:
    """The weights of a built model by name, such as `pooling_0/assign/assignment_kernel`.

    A name is the attributes that lead to the layer, and the weight's own name: the same whatever
    was built before, on every backend.
    """
    names: dict[str, Any] = {}
    for name, weight in _named(model, ""):
        if name in names:
            raise RuntimeError(f"two weights of {type(model).__name__} are called {name}")
        names[name] = weight
    return names


def _named(layer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    inside: set[int] = set()
    for name, child in _children(layer):
        if not {id(weight) for weight in child.weights} <= inside:  # else met by another name
            yield from _named(child, f"{prefix}{name}/")
            inside |= {id(weight) for weight in child.weights}
    for weight in layer.weights:
        if id(weight) not in inside:
            yield prefix + weight.name, weight


def _children(layer: Any) -> list[tuple[str, Any]]:
    """The layers that are attributes of a layer, by name; PyTorch keeps them in a place apart."""
    attributes = {**vars(layer), **vars(layer).get("_modules", {})}
    layers = [(name, each) for name, each in attributes.items() if isinstance(each, keras.Layer)]
    return sorted(layers, key=lambda pair: pair[0])


def write_weights(model: keras.Model, path: str | Path) -> None:
    """Writes the weights of a model, as `read_weights` reads them.

    Raises:
        ValueError: the extra `hub` is not installed.
        OSError: the file cannot be written.
    """
    safetensors = require("safetensors.numpy", extra="hub")
    arrays = {
        name: np.asarray(ops.convert_to_numpy(weight.value), np.float32, order="C")
        for name, weight in named_weights(model).items()
    }
    with whole_file(path) as file:
        file.write(safetensors.save(arrays, metadata={"format": "np"}))


def read_weights(model: keras.Model, path: str | Path) -> None:
    """Gives a built model the weights of a file.

    Raises:
        ValueError: the file cannot be read, or its weights are not those of the model: names and
            shapes must be the same, and all float32. The extra `hub` is not installed.
    """
    safetensors = require("safetensors", extra="hub")
    wanted = named_weights(model)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            there = set(file.keys())
            if there != set(wanted):
                raise ValueError(
                    f"it lacks {_listed(set(wanted) - there)}, and has besides "
                    f"{_listed(there - set(wanted))}"
                )
            for name, weight in wanted.items():
                stored = file.get_slice(name)
                kind, shape = stored.get_dtype(), tuple(stored.get_shape())
                if (kind, shape) != (_FLOAT32, tuple(weight.shape)):
                    raise ValueError(
                        f"{name} must be {_FLOAT32} of the shape {tuple(weight.shape)}; it is "
                        f"{kind} of {shape}"
                    )
                weight.assign(file.get_tensor(name))
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path} does not have the weights of its model: {error}") from error


def _listed(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:5]) or "nothing"
    return f"{first} and {len(names) - 5} more" if len(names) > 5 else first
