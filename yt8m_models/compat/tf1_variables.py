"""Which weight of a model each variable of the original programs is, and in which layout.

The table is by layer: a function lists the variables of one part of the model, with the names that
the starter code, WILLOW or NeXtVLAD gave them. A layer that a new preset needs gets an entry in
`_POOLINGS`.
"""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Layout = Callable[[np.ndarray], np.ndarray]


class Place(NamedTuple):
    """Where a variable goes.

    Attributes:
        weight: the Keras variable.
        layout: an array as the original program has it -> in the weight's layout.
    """

    weight: Any
    layout: Layout = lambda array: array


Places = dict[str, Place]


def place(model: Any, name: str, array: np.ndarray) -> tuple[Any, np.ndarray]:
    """The weight that a variable is, and the variable's array in the weight's layout.

    Raises:
        KeyError: the model has no such variable.
    """
    found = variable_places(model)[local_name(name)]
    return found.weight, found.layout(array)


def local_name(name: str) -> str:
    """A variable's name without the scopes that depend on the program and the number of GPUs.

    The weights of recurrent cells were called weights and biases before TensorFlow 1.2.
    """
    name = re.sub(r"^(tower(_0)?/)?(model/)?", "", name)
    name = re.sub(r"^(RNN/)?rnn/(multi_rnn_cell/)?", "rnn/", name)
    name = re.sub(r"^(rnn/.*)/weights$", r"\1/kernel", name)
    return re.sub(r"^(rnn/.*)/biases$", r"\1/bias", name)


def variable_places(model: Any) -> Places:
    """Every variable that the original program of a model has: local name -> place.

    Args:
        model: a built model of `yt8m_models.models`.
    """
    places = _classifier(model.classifier, model.data.num_classes)
    if not model.data.frame_features:
        return places
    places |= _batch_norm("input_bn", model.input_batch_norm)
    places |= _POOLINGS[model.config.pooling](model)
    if model.hidden is not None:
        places["hidden1_weights"] = Place(model.hidden.kernel, lambda a: _clusters_first(model, a))
        if model.hidden.use_bias:
            places["hidden1_biases"] = Place(model.hidden.bias)
        places |= _batch_norm("hidden1_bn", model.hidden_batch_norm)
    if model.gating is not None and model.config.gating_reduction > 0:
        places["gating_weights_1"] = Place(model.gating.squeeze_kernel)
        places["gating_weights_2"] = Place(model.gating.excitation_kernel)
        places |= _batch_norm("gating_bn", model.gating.normalization)
    elif model.gating is not None:
        places |= _context_gating(model.gating, "gating_weights_2", "gating_biases", "gating_bn")
    return places


def _classifier(layer: Any, num_classes: int) -> Places:
    if not hasattr(layer, "experts_kernel"):
        return {
            "fully_connected/weights": Place(layer.kernel),
            "fully_connected/biases": Place(layer.bias),
        }

    def by_expert(array: np.ndarray) -> np.ndarray:
        """Originally class by class with the experts of a class side by side."""
        by_class = array.reshape(*array.shape[:-1], num_classes, -1)
        return np.swapaxes(by_class, -1, -2).reshape(array.shape)

    places = {
        "experts/weights": Place(layer.experts_kernel, by_expert),
        "experts/biases": Place(layer.experts_bias, by_expert),
    }
    if layer.low_rank > 0:
        places["gates1/weights"] = Place(layer.gates_low_rank_kernel)
        places["gates2/weights"] = Place(layer.gates_kernel, by_expert)
    else:
        places["gates/weights"] = Place(layer.gates_kernel, by_expert)
    if layer.prob_gating:
        places |= _context_gating(
            layer.gating, "gating_prob_weights", "gating_prob_biases", "gating_prob_bn"
        )
    return places


def _context_gating(layer: Any, weights: str, biases: str, batch_norm: str) -> Places:
    places = {weights: Place(layer.gating_kernel)}
    if layer.batch_norm:
        return places | _batch_norm(batch_norm, layer.normalization)
    return places | {biases: Place(layer.gating_bias)}


def _no_variables(model: Any) -> Places:
    return {}


def _dbof(model: Any) -> Places:
    (layer,) = model.pooling
    return _projection("", layer)


def _soft_dbof(model: Any) -> Places:
    places: Places = {}
    for scope, layer in _by_feature(model, "DBOF"):
        places |= _projection(scope, layer.assign)
    return places


def _gated_dbof(model: Any) -> Places:
    layer = model.pooling[0]
    places = _soft_dbof(model)
    places["video_DBOF/dim_red"] = Place(layer.reduction_kernel)
    places["video_DBOF/cluster_weights_2"] = Place(layer.gating_kernel)
    if layer.batch_norm:
        return places | _batch_norm("video_DBOF/cluster_bn_2", layer.normalization)
    return places | {"video_DBOF/cluster_biases_2": Place(layer.gating_bias)}


def _nextvlad(model: Any) -> Places:
    places: Places = {}
    for scope, layer in _by_feature(model, "VLAD"):
        places |= {
            f"{scope}fully_connected/weights": Place(layer.expansion_kernel),
            f"{scope}fully_connected/biases": Place(layer.expansion_bias),
            f"{scope}fully_connected_1/weights": Place(layer.attention_kernel),
            f"{scope}fully_connected_1/biases": Place(layer.attention_bias),
            f"{scope}cluster_weights": Place(layer.assignment_kernel),
            f"{scope}cluster_weights2": Place(layer.means, _means),
        }
        places |= _batch_norm(f"{scope}cluster_bn", layer.assignment_normalization)
        for name, (weight, _) in _batch_norm(f"{scope}vlad_bn", layer.normalization).items():
            places[name] = Place(weight, functools.partial(_rows_by_cluster, layer.num_clusters))
    return places


def _vlad(model: Any) -> Places:
    places = _rvlad(model)
    for scope, layer in _by_feature(model, "VLAD"):
        places[f"{scope}cluster_weights2"] = Place(layer.means, _means)
    return places


def _rvlad(model: Any) -> Places:
    places: Places = {}
    for scope, layer in _by_feature(model, "VLAD"):
        places |= _projection(scope, layer.assign)
    return places


def _vlagd(model: Any) -> Places:
    places = _rvlad(model)
    for scope, layer in _by_feature(model, "VLAD"):
        places[f"{scope}gate_weights"] = Place(layer.gate_weights, lambda array: array[0])
    return places


def _fv(model: Any) -> Places:
    places: Places = {}
    for scope, layer in _by_feature(model, "FV"):
        places |= _projection(scope, layer.assign)
        places[f"{scope}covar_weights"] = Place(layer.covar_weights, np.transpose)
        if not layer.couple_weights:
            places[f"{scope}cluster_weights2"] = Place(layer.means, _means)
    return places


def _by_feature(model: Any, suffix: str) -> Iterator[tuple[str, Any]]:
    """The scopes of rgb and audio, each with its pooling layer."""
    return zip((f"video_{suffix}/", f"audio_{suffix}/"), model.pooling, strict=False)


def _means(array: np.ndarray) -> np.ndarray:
    """`(1, D, K)` to `(K, D)`."""
    return array[0].T


def _lstm(model: Any) -> Places:
    return _recurrent(model, "basic_lstm_cell", ("",))


def _gru(model: Any) -> Places:
    return _recurrent(model, "gru_cell", ("gates/", "candidate/"))


def _recurrent(model: Any, cell: str, parts: tuple[str, ...]) -> Places:
    """Kernels and biases of each layer; here, as there, the input's rows come first."""
    (layer,) = model.pooling
    return {
        f"rnn/cell_{index}/{cell}/{part}{kind}": Place(
            getattr(layer, f"{part.replace('/', '_')}{kind}_{index}")
        )
        for index in range(layer.num_layers)
        for part in parts
        for kind in ("kernel", "bias")
    }


def _projection(scope: str, layer: Any) -> Places:
    """A `FrameProjection`: `cluster_weights` with batch normalisation or a bias."""
    places = {f"{scope}cluster_weights": Place(layer.kernel)}
    if layer.batch_norm:
        return places | _batch_norm(f"{scope}cluster_bn", layer.normalization)
    return places | {f"{scope}cluster_biases": Place(layer.bias)}


def _batch_norm(scope: str, layer: Any) -> Places:
    if layer is None:
        return {}
    return {
        f"{scope}/gamma": Place(layer.gamma),
        f"{scope}/beta": Place(layer.beta),
        f"{scope}/moving_mean": Place(layer.moving_mean),
        f"{scope}/moving_variance": Place(layer.moving_variance),
    }


def _clusters_first(model: Any, kernel: np.ndarray) -> np.ndarray:
    """The hidden layer's kernel, with the rows of each pooled matrix from (D, K) to (K, D)."""
    matrices = _DIMENSION_FIRST.get(model.config.pooling, 0)
    parts, start = [], 0
    for layer, size in zip(model.pooling, model.pooled_sizes, strict=True):
        for _ in range(matrices):
            end = start + layer.compute_output_shape((None, None, size))[-1] // matrices
            parts.append(_rows_by_cluster(layer.num_clusters, kernel[start:end]))
            start = end
    return np.concatenate([*parts, kernel[start:]])


def _rows_by_cluster(num_clusters: int, array: np.ndarray) -> np.ndarray:
    """The order of `D · K` rows from dimension by dimension to cluster by cluster."""
    by_dimension = array.reshape(-1, num_clusters, *array.shape[1:])
    return by_dimension.swapaxes(0, 1).reshape(array.shape)


_POOLINGS: dict[str, Callable[[Any], Places]] = {
    "average": _no_variables,
    "max": _no_variables,
    "dbof": _dbof,
    "netvlad": _vlad,
    "netrvlad": _rvlad,
    "vlagd": _vlagd,
    "netfv": _fv,
    "soft_dbof": _soft_dbof,
    "gated_dbof": _gated_dbof,
    "nextvlad": _nextvlad,
    "lstm": _lstm,
    "gru": _gru,
}

# How many matrices (D, K) each feature's pooled vector has in the original program.
_DIMENSION_FIRST = {"netvlad": 1, "netrvlad": 1, "vlagd": 1, "netfv": 2, "nextvlad": 1}
