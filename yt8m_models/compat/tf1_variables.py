"""Which weight of a model each variable of the original programs is, and in which layout.

The table is by layer: a function lists the variables of one part of the model, with the names that
the starter code, WILLOW or NeXtVLAD gave them. A layer that a new preset needs gets an entry in
`_POOLINGS`.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.layers import GatedDBoF

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
    scopes, places_of = _POOLINGS[model.config.pooling]
    for scope, layer in zip(scopes, model.pooling, strict=False):
        places |= places_of(scope, layer)
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


def _assigned(scope: str, layer: Any) -> Places:
    return _projection(scope, layer.assign)


def _dbof(scope: str, layer: Any) -> Places:
    places = _assigned(scope, layer)
    if not isinstance(layer, GatedDBoF):
        return places
    places[f"{scope}dim_red"] = Place(layer.reduction_kernel)
    gating = _context_gating(layer, "cluster_weights_2", "cluster_biases_2", "cluster_bn_2")
    return places | {f"{scope}{name}": place for name, place in gating.items()}


def _nextvlad(scope: str, layer: Any) -> Places:
    places = {
        f"{scope}fully_connected/weights": Place(layer.expansion_kernel),
        f"{scope}fully_connected/biases": Place(layer.expansion_bias),
        f"{scope}fully_connected_1/weights": Place(layer.attention_kernel),
        f"{scope}fully_connected_1/biases": Place(layer.attention_bias),
        f"{scope}cluster_weights": Place(layer.assignment_kernel),
        f"{scope}cluster_weights2": Place(layer.means, _means),
        **_batch_norm(f"{scope}cluster_bn", layer.assignment_normalization),
    }
    for name, (weight, _) in _batch_norm(f"{scope}vlad_bn", layer.normalization).items():
        places[name] = Place(weight, functools.partial(_rows_by_cluster, layer.num_clusters))
    return places


def _vlad(scope: str, layer: Any) -> Places:
    means = Place(layer.means, _means)
    return {**_assigned(scope, layer), f"{scope}cluster_weights2": means}


def _vlagd(scope: str, layer: Any) -> Places:
    gates = Place(layer.gate_weights, lambda array: array[0])
    return {**_assigned(scope, layer), f"{scope}gate_weights": gates}


def _fv(scope: str, layer: Any) -> Places:
    places = _assigned(scope, layer) if layer.couple_weights else _vlad(scope, layer)
    return {**places, f"{scope}covar_weights": Place(layer.covar_weights, np.transpose)}


def _means(array: np.ndarray) -> np.ndarray:
    """`(1, D, K)` to `(K, D)`."""
    return array[0].T


def _recurrent(cell: str, layer: Any) -> Places:
    """Kernels and biases of each layer; here, as there, the input's rows come first."""
    parts = ("gates/", "candidate/") if cell == "gru_cell/" else ("",)
    return {
        f"rnn/cell_{index}/{cell}{part}{kind}": Place(
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


# By pooling: the scopes of its layers (rgb's and audio's, or one), and the variables in a scope.
_POOLINGS: dict[str, tuple[tuple[str, ...], Callable[[str, Any], Places]]] = {
    "average": ((), _projection),
    "max": ((), _projection),
    "dbof": (("",), _projection),
    "netvlad": (("video_VLAD/", "audio_VLAD/"), _vlad),
    "netrvlad": (("video_VLAD/", "audio_VLAD/"), _assigned),
    "vlagd": (("video_VLAD/", "audio_VLAD/"), _vlagd),
    "netfv": (("video_FV/", "audio_FV/"), _fv),
    "soft_dbof": (("video_DBOF/", "audio_DBOF/"), _dbof),
    "gated_dbof": (("video_DBOF/", "audio_DBOF/"), _dbof),
    "nextvlad": (("video_VLAD/", "audio_VLAD/"), _nextvlad),
    "lstm": (("basic_lstm_cell/",), _recurrent),
    "gru": (("gru_cell/",), _recurrent),
}

# How many matrices (D, K) each feature's pooled vector has in the original program.
_DIMENSION_FIRST = {"netvlad": 1, "netrvlad": 1, "vlagd": 1, "netfv": 2, "nextvlad": 1}
