"""Weights of another training at the start of a new one: `--init_from`."""

from collections.abc import Container, Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from yt8m_models.layers.batch_normalization import MOVING_WEIGHT
from yt8m_models.storage import filesystems
from yt8m_models.training.checkpoints import (
    OBJECT_GRAPH,
    candidate_checkpoints,
    require_own_checkpoint,
)

_CLASSIFIER = "classifier/"


def take_weights(model: keras.Model, init_from: str) -> list[str]:
    """Gives a fresh model the weights of a trained one, by name and shape; prints which.

    A weight that the other model has not, or has in another shape, stays as it is. So does the
    whole classifier where one of its weights does: the columns of all are by class. Moving
    statistics that were saved without a moving weight count as settled.

    Args:
        model: a built model with fresh weights.
        init_from: a training directory, whose best checkpoint is taken, or its latest where it has
            no best one; or the path of a checkpoint, with or without its `.index`.

    Returns:
        The names of the weights that stay as they are.

    Raises:
        ValueError: there is no such checkpoint, it cannot be read, or no weight of it fits.
    """
    path = source_checkpoint(init_from)
    try:
        reader = tf.train.load_checkpoint(path)
        require_own_checkpoint(path)
        keys, shapes = _stored_weights(reader), reader.get_variable_to_shape_map()
        there = {name: tuple(shapes[key]) for name, key in keys.items()}
        weights = _weights(model, there)
        taken = [name for name, weight in weights.items() if there.get(name) == weight.shape]
        settled = [
            name
            for name in weights
            if name not in there and name.replace(MOVING_WEIGHT, "moving_mean") in taken
        ]
        taken += settled
        if any(name.startswith(_CLASSIFIER) and name not in taken for name in weights):
            taken = [name for name in taken if not name.startswith(_CLASSIFIER)]
        for name in taken:
            weights[name].assign(1.0 if name in settled else reader.get_tensor(keys[name]))
    except (tf.errors.OpError, LookupError, RuntimeError) as error:
        reason = str(getattr(error, "message", error)).splitlines()[0]
        raise ValueError(f"--init_from={init_from}: {path} cannot be read: {reason}") from error
    new = [name for name in weights if name not in taken]
    described = [
        f"{name} {tuple(weights[name].shape)}, {there.get(name, 'not')} there" for name in new
    ]
    if not taken:
        message = f"--init_from={init_from}: no weight of {path} fits the model:"
        raise ValueError("\n    ".join([message, *described]))
    used = {keys[name] for name in weights if name in keys}
    unused = {key: f"{name} {there[name]}" for name, key in keys.items() if key not in used}
    print(f"Weights start from {path}: {len(taken)} of {len(weights)}.")
    titles = {"taken": taken, "new": described, "not in this model": unused.values()}
    for title, lines in titles.items():
        if lines:
            print("\n    ".join([f"  {title}:", *lines]))
    return new


def source_checkpoint(init_from: str) -> str:
    """The checkpoint that a path means: itself, or the best or latest of a directory.

    Raises:
        ValueError: there is none.
    """
    filesystems.require(init_from)
    is_directory = tf.io.gfile.isdir(init_from)
    paths = candidate_checkpoints(init_from, "auto" if is_directory else init_from)
    if not paths:
        raise ValueError(
            "--init_from must be the directory of a training or a checkpoint of one; received "
            f"{init_from}, where there is no checkpoint"
        )
    return paths[-1]


def _weights(model: keras.Model, there: Container[str]) -> dict[str, Any]:
    """The weights of a model by name; of several names of one, by that which is there."""
    names: dict[int, list[str]] = {id(weight): [] for weight in model.weights}
    for name, weight in _paths_to_weights(model):
        names[id(weight)].append(name)
    return {
        next((name for name in names[id(weight)] if name in there), names[id(weight)][0]): weight
        for weight in model.weights
    }


def _paths_to_weights(layer: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every path of attributes that leads from a layer to a weight, and the weight."""
    for name, value in vars(layer).items():
        if isinstance(value, keras.Variable):
            yield prefix + name, value
        elif isinstance(value, keras.layers.Layer):
            yield from _paths_to_weights(value, f"{prefix}{name}/")


def _stored_weights(reader: Any) -> dict[str, str]:
    """What a checkpoint calls each weight of its model, by every path of attributes to it.

    That is the shortest path to the weight, which may lead through the optimizer.
    """
    graph = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH))

    def walk(node: Any, prefix: str) -> Iterator[tuple[str, str]]:
        for child in node.children:
            value, name = graph.nodes[child.node_id], f"{prefix}{child.local_name}"
            yield from ((name, attribute.checkpoint_key) for attribute in value.attributes)
            yield from walk(value, f"{name}/")

    roots = [child.node_id for child in graph.nodes[0].children if child.local_name == "model"]
    return {name: key for root in roots for name, key in walk(graph.nodes[root], "")}
