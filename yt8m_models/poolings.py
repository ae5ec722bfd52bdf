"""The poolings by name: what `--pooling` can be, and how the layer of a model is made.

This module imports neither TensorFlow nor Keras, so that `--help` knows the names at once: a
function receives the package `yt8m_models.layers`, and as a `ResolvedModel` what the flags say of
one feature.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

POOLINGS: dict[str, Callable[[ModuleType, Any], Any]] = {
    "average": lambda layers, config: layers.AveragePooling(),
    "max": lambda layers, config: layers.MaxPooling(),
    "netbow": lambda layers, config: layers.NetBoW(**_cluster_options(config)),
    "netvlad": lambda layers, config: layers.NetVLAD(**_cluster_options(config)),
    "netrvlad": lambda layers, config: layers.NetRVLAD(**_cluster_options(config)),
    "vlagd": lambda layers, config: layers.VLAGD(**_cluster_options(config)),
    "netfv": lambda layers, config: layers.NetFV(
        couple_weights=config.fv_couple_weights,
        coupling_factor=config.fv_coupling_factor,
        **_cluster_options(config),
    ),
    "dsgmm": lambda layers, config: layers.DSGMM(
        **_smoothing_options(config), **_cluster_options(config)
    ),
    "vlad": lambda layers, config: layers.NetVLAD(**_fixed_options(config)),
    "sgmm": lambda layers, config: layers.DSGMM(
        **_smoothing_options(config), **_fixed_options(config)
    ),
    "dbof": lambda layers, config: layers.DBoF(
        config.num_clusters,
        activation=config.dbof_activation,
        pooling_method=config.dbof_pooling_method,
        batch_norm=config.batch_norm,
        batch_norm_decay=config.batch_norm_decay,
    ),
    "soft_dbof": lambda layers, config: layers.SoftDBoF(
        config.num_clusters, config.softdbof_maxpool, config.batch_norm, config.batch_norm_decay
    ),
    "gated_dbof": lambda layers, config: layers.GatedDBoF(
        config.num_clusters, config.batch_norm, config.batch_norm_decay
    ),
    "nextvlad": lambda layers, config: layers.NeXtVLAD(
        config.num_clusters,
        config.nextvlad_groups,
        config.nextvlad_expansion,
        config.batch_norm,
        config.batch_norm_decay,
    ),
    "attention": lambda layers, config: layers.SelfAttentionPooling(
        config.attention_heads, config.attention_size
    ),
    "feature_attention": lambda layers, config: layers.FeatureAttentionPooling(
        config.attention_size
    ),
    "lstm": lambda layers, config: layers.LSTMPooling(**_recurrent_options(config)),
    "gru": lambda layers, config: layers.GRUPooling(**_recurrent_options(config)),
}

FIXED_POOLINGS = ("vlad", "sgmm")  # their clusters are those of a UBM, and stay
BAGS_OF_FRAMES = ("dbof", "soft_dbof", "gated_dbof")


def _smoothing_options(config: Any) -> dict[str, Any]:
    """What the flags say of the statistics of `DSGMM`."""
    names = (
        *("statistics", "covariances"),
        *("gamma", "gamma_weights", "gamma_means", "gamma_covariances"),
    )
    return {name: getattr(config, name) for name in names}


def _cluster_options(config: Any) -> dict[str, Any]:
    """What the flags say of every `ClusterPooling`."""
    names = (
        "num_clusters",
        "assignment",
        "intra_norm",
        "final_norm",
        "batch_norm",
        "batch_norm_decay",
        "initial_scale",
    )
    return {name: getattr(config, name) for name in names}


def _fixed_options(config: Any) -> dict[str, Any]:
    """The same for clusters that are those of a UBM and are not trained."""
    return {**_cluster_options(config), "batch_norm": False, "trainable": False}


def _recurrent_options(config: Any) -> dict[str, Any]:
    return {
        "cells": config.recurrent_cells,
        "num_layers": config.recurrent_layers,
        "backward": config.recurrent_backward,
        "state": config.recurrent_state,
    }
