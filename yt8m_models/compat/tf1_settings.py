"""What the variables of the original programs tell about the model, by their names and shapes."""

from collections.abc import Mapping
from typing import Any

from yt8m_models.config import ResolvedModel

Shapes = Mapping[str, tuple[int, ...]]

# The original programs' models, and the poolings that each can have.
ORIGINAL_MODELS: dict[str, tuple[str, ...]] = {
    "LogisticModel": ("average",),
    "MoeModel": ("average",),
    "FrameLevelLogisticModel": ("average",),
    "DbofModel": ("dbof",),
    "LstmModel": ("lstm",),
    "GruModel": ("gru",),
    "NetVLADModelLF": ("netvlad", "netrvlad", "vlagd"),
    "NetFVModelLF": ("netfv",),
    "SoftDbofModelLF": ("soft_dbof",),
    "GatedDbofModelLF": ("gated_dbof",),
    "NeXtVLADModel": ("nextvlad",),
}

# A part of a variable's name that only models with this pooling have, the most telling first.
_SIGNS = (
    ("lstm_cell/", "lstm"),
    ("gru_cell/", "gru"),
    ("video_VLAD/fully_connected/", "nextvlad"),
    ("video_VLAD/gate_weights", "vlagd"),
    ("video_VLAD/cluster_weights2", "netvlad"),
    ("video_VLAD/", "netrvlad"),
    ("video_FV/", "netfv"),
    ("video_DBOF/dim_red", "gated_dbof"),
    ("video_DBOF/", "soft_dbof"),
    ("cluster_weights", "dbof"),
)

# Settings that a model of this pooling has, and that no variable shows.
_UNSEEN = {
    "dbof": ("dbof_pooling_method", "dbof_activation", "hidden_activation"),
    "nextvlad": ("moe_mix_logits",),
    "lstm": ("recurrent_backward",),
    "gru": ("recurrent_backward",),
}


def settings_of(shapes: Shapes, model: str) -> dict[str, Any]:
    """The fields of `ModelConfig` that the variables of a checkpoint show.

    Args:
        shapes: local name -> shape of each variable.
        model: the name of the preset.

    Raises:
        ValueError: the original programs have no such model, or the variables are of another one.
    """
    if model not in ORIGINAL_MODELS:
        raise ValueError(
            f"--model={model} is not one of the original programs, which are "
            f"{', '.join(ORIGINAL_MODELS)}"
        )
    pooling = _pooling(shapes)
    if pooling not in ORIGINAL_MODELS[model]:
        raise ValueError(f"the variables are not those of {model}: their --pooling is {pooling}")
    settings = _classifier(shapes)
    if pooling == "average":
        return settings
    settings |= {"pooling": pooling, **_dense(shapes)}
    if pooling in ("lstm", "gru"):
        return settings | _recurrent(shapes, pooling)
    return {**settings, **_batch_norms(shapes, pooling), **_clusters(shapes, pooling)}


def num_classes_of(shapes: Shapes) -> int:
    """The number of classes, from the classifier's variables.

    Raises:
        ValueError: there are none.
    """
    if "fully_connected/biases" in shapes:
        return shapes["fully_connected/biases"][0]
    gates = "gates2/weights" if "gates2/weights" in shapes else "gates/weights"
    num_experts = _size(shapes, "experts/biases")
    classes = _size(shapes, gates) - num_experts  # (M + 1) C - M C
    if classes < 1 or num_experts % classes:
        raise ValueError(f"{gates} {shapes[gates]} does not fit {num_experts} experts")
    return classes


def unseen_settings(config: ResolvedModel, frame_features: bool) -> dict[str, Any]:
    """Settings of a model that change what it computes and that no variable shows."""
    names = [*_UNSEEN.get(config.pooling, ()), "iterations"] if frame_features else []
    if config.pooling == "netfv" and config.fv_couple_weights:
        names.append("fv_coupling_factor")
    if (config.gating and not config.gating_reduction) or config.moe_prob_gating:
        names.append("gating_remove_diag")
    if config.hidden_size and not config.batch_norm and "hidden_activation" not in names:
        names.append("hidden_activation")
    return {name: getattr(config, name) for name in [*names, "moe_l2"]}


def _pooling(shapes: Shapes) -> str:
    for sign, pooling in _SIGNS:
        if any(sign in name for name in shapes):
            return pooling
    return "average"


def _classifier(shapes: Shapes) -> dict[str, Any]:
    if "fully_connected/biases" in shapes:
        return {"video_level_classifier_model": "LogisticModel"}
    return {
        "video_level_classifier_model": "MoeModel",
        "moe_num_mixtures": _size(shapes, "experts/biases") // num_classes_of(shapes),
        "moe_low_rank_gating": shapes.get("gates1/weights", (0,))[-1],
        "moe_prob_gating": "gating_prob_weights" in shapes,
    }


def _dense(shapes: Shapes) -> dict[str, Any]:
    """The dense layer and its gating."""
    hidden = shapes.get("hidden1_weights", (0,))[-1]
    bottleneck = shapes.get("gating_weights_1", (0,))[-1]
    return {
        "hidden_size": hidden,
        "gating": "gating_weights_2" in shapes,
        "gating_reduction": hidden // bottleneck if bottleneck else 0,
    }


def _batch_norms(shapes: Shapes, pooling: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "batch_norm": any(name.endswith("cluster_bn/gamma") for name in shapes),
        "input_batch_norm": "input_bn/gamma" in shapes,
        "hidden_batch_norm": "hidden1_bn/gamma" in shapes,
    }
    if settings["batch_norm"] and pooling not in ("nextvlad", "dbof"):
        # WILLOW: batch normalisation and ReLU6 together, or a bias and neither.
        settings["hidden_activation"] = "relu6" if settings["hidden_batch_norm"] else "none"
    return settings


def _clusters(shapes: Shapes, pooling: str) -> dict[str, Any]:
    """The sizes of the pooling layers."""
    if pooling == "dbof":
        return {"num_clusters": _size(shapes, "cluster_weights")}
    if pooling == "nextvlad":
        expanded = _size(shapes, "video_VLAD/fully_connected/weights")
        return {
            "num_clusters": _size(shapes, "video_VLAD/cluster_weights2"),
            "num_clusters_audio": _size(shapes, "audio_VLAD/cluster_weights2"),
            "nextvlad_groups": _size(shapes, "video_VLAD/fully_connected_1/weights"),
            "nextvlad_expansion": expanded // shapes["video_VLAD/fully_connected/weights"][0],
        }
    scope = {"netfv": "FV", "soft_dbof": "DBOF", "gated_dbof": "DBOF"}.get(pooling, "VLAD")
    clusters, audio_clusters = (
        _size(shapes, f"{part}_{scope}/cluster_weights") for part in ("video", "audio")
    )
    settings: dict[str, Any] = {"num_clusters": clusters, "num_clusters_audio": audio_clusters}
    if scope != "DBOF":
        settings["assignment"] = "decoupled"
    if pooling == "netfv":
        settings["fv_couple_weights"] = "video_FV/cluster_weights2" not in shapes
    if pooling == "soft_dbof" and "hidden1_weights" in shapes:
        doubled = shapes["hidden1_weights"][0] == 2 * (clusters + audio_clusters)
        settings["softdbof_maxpool"] = doubled
    return settings


def _recurrent(shapes: Shapes, pooling: str) -> dict[str, Any]:
    """The sizes of stacked cells, and which of their states the classifier sees, by its width."""
    bias = "basic_lstm_cell/bias" if pooling == "lstm" else "gru_cell/candidate/bias"
    num_states, columns = (2, 4) if pooling == "lstm" else (1, 1)
    num_layers = sum(name.endswith(bias) for name in shapes)
    cells = _size(shapes, f"rnn/cell_0/{bias}") // columns
    settings: dict[str, Any] = {"recurrent_cells": cells, "recurrent_layers": num_layers}
    classifier = "experts/weights" if "experts/weights" in shapes else "fully_connected/weights"
    if num_layers * num_states > 1 and classifier in shapes:
        settings["recurrent_state"] = "last" if shapes[classifier][0] == cells else "all"
    return settings


def _size(shapes: Shapes, name: str) -> int:
    """The last dimension of a variable."""
    if name not in shapes:
        raise ValueError(f"there is no variable {name}")
    return shapes[name][-1]
