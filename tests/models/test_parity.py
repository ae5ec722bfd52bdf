"""Models equal the recorded outputs of the original TensorFlow 1 programs."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from losses import CrossEntropyLoss
from yt8m_models.compat.tf1_variables import local_name, variable_places
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.layers.batch_normalization import settle_moving_statistics
from yt8m_models.models import create_model

NETVLAD = {"num_clusters": 8, "hidden_size": 16, "moe_l2": 1e-6}
DBOF = {"model": "DbofModel", "num_clusters": 24, "hidden_size": 16}
RECORDINGS = {
    "starter_logistic": {"model": "LogisticModel"},
    "starter_moe": {"model": "MoeModel", "moe_num_mixtures": 3},
    "starter_frame_level_logistic": {"model": "FrameLevelLogisticModel"},
    "starter_dbof_max": {**DBOF, "moe_num_mixtures": 2},
    "starter_dbof_average": {
        **DBOF,
        "moe_num_mixtures": 4,
        "dbof_pooling_method": "average",
        "dbof_activation": "relu6",
    },
    "willow_netvlad_gated": {
        **NETVLAD,
        "model": "NetVLADModelLF",
        "gating": True,
        "moe_prob_gating": True,
    },
    "willow_netvlad_relu": {
        **NETVLAD,
        "model": "NetVLADModelLF",
        "hidden_activation": "relu6",
        "gating": False,
        "moe_prob_gating": False,
    },
    "willow_netrvlad_gated": {
        **NETVLAD,
        "model": "NetVLADModelLF",
        "pooling": "netrvlad",
        "gating_remove_diag": True,
    },
    "willow_netfv_gated": {**NETVLAD, "model": "NetFVModelLF"},
    "willow_netfv_coupled": {
        **NETVLAD,
        "model": "NetFVModelLF",
        "fv_couple_weights": True,
        "hidden_activation": "relu6",
        "gating": False,
        "moe_prob_gating": False,
    },
    "willow_soft_dbof": {"model": "SoftDbofModelLF", "num_clusters": 16, "hidden_size": 16},
    "willow_gated_dbof": {
        "model": "GatedDbofModelLF",
        "num_clusters": 16,
        "hidden_size": 16,
        "moe_prob_gating": True,
    },
    "starter_lstm": {"model": "LstmModel", "recurrent_cells": 16},
    "willow_gru": {"model": "GruModel", "recurrent_cells": 16, "moe_l2": 1e-6},
    "nextvlad": {
        "model": "NeXtVLADModel",
        "num_clusters": 8,
        "hidden_size": 16,
        "nextvlad_groups": 4,
        "gating_reduction": 4,
        "video_level_classifier_model": "MoeModel",
        "moe_num_mixtures": 4,
    },
}


@pytest.fixture(params=RECORDINGS)
def fresh(request, shared):
    """A recording and a new model like it."""
    recording = np.load(shared / "parity" / f"{request.param}.npz")
    meta = json.loads(str(recording["meta"]))
    config = ModelConfig(**RECORDINGS[request.param])
    frame_features = recording["input"].ndim == 3
    names = ("rgb", "audio") if frame_features else ("mean_rgb", "mean_audio")
    data = DataConfig(names, (1024, 128), frame_features, num_classes=meta["C"])
    keras.utils.set_random_seed(1)
    return create_model(config, data), recording


@pytest.fixture
def recorded(fresh):
    """A recording and the model with its variables."""
    model, recording = fresh
    pairs = pair_variables(model, recording, "var")
    settled = settle_moving_statistics(model.weights)
    assert len(pairs) == len(model.weights) - len(settled)
    for weight, array in pairs.values():
        weight.assign(array)
    return model, recording


def test_kernels_start_as_the_originals(fresh):
    """Within five times the error of a deviation's estimate, `σ / √(2n)` for each of the two.

    But for the dense layer after the pooling, which starts by its own width here: WILLOW's by the
    number of clusters, `1 / √K`.
    """
    for name, (weight, recorded) in pair_variables(*fresh, "var").items():
        if recorded.ndim > 1 and recorded.size >= 500 and name != "hidden1_weights":
            start = np.asarray(weight)
            error = 5 * np.std(recorded) / recorded.size**0.5
            np.testing.assert_allclose(np.std(start), np.std(recorded), atol=error, err_msg=name)
            mean = np.mean(recorded)
            np.testing.assert_allclose(np.mean(start), mean, atol=2 * error, err_msg=name)


def test_predictions_losses_and_regularization(recorded):
    model, recording = recorded
    for mode in ("eval",) if model.config.dropout > 0 else ("eval", "train"):
        predictions = model(inputs_of(recording), training=mode == "train")
        np.testing.assert_allclose(predictions, recording[f"{mode}/predictions"], rtol=1e-5)
        loss = CrossEntropyLoss()(recording["labels"], predictions)
        np.testing.assert_allclose(loss, recording[f"{mode}/cross_entropy"], rtol=1e-5)
    regularization = sum(float(term) for term in model.losses)
    np.testing.assert_allclose(regularization, recording["eval/regularization"], rtol=1e-5)


def test_loss_from_logits(recorded):
    model, recording = recorded
    if not model.has_logits:
        with pytest.raises(ValueError, match="has no logits"):
            model(inputs_of(recording), return_logits=True)
        return
    logits = model(inputs_of(recording), return_logits=True)
    loss = CrossEntropyLoss(from_logits=True)(recording["labels"], logits)
    np.testing.assert_allclose(loss, recording["eval/cross_entropy"], rtol=1e-5)


def test_gradients(recorded):
    model, recording = recorded
    if model.config.dropout > 0:
        pytest.skip("the recording has random dropout in training mode")
    with tf.GradientTape() as tape:
        predictions = model(inputs_of(recording), training=True)
        loss = CrossEntropyLoss()(recording["labels"], predictions)
    variables = {id(weight): weight.value for weight in model.trainable_variables}
    gradients = dict(zip(variables, tape.gradient(loss, list(variables.values())), strict=True))
    pairs = pair_variables(model, recording, "train/grad")
    assert len(pairs) == len(model.trainable_variables)
    # A shift of DBoF's input is undone by the next batch normalisation: that gradient is 0 but for
    # rounding in float32, which is relative to the other gradients and not to its own size.
    rounding = 1e-7 * max(np.abs(expected).max() for _, expected in pairs.values())
    for name, (weight, expected) in pairs.items():
        tolerance = max(1e-3 * np.abs(expected).max(), rounding)
        np.testing.assert_allclose(
            gradients[id(weight)], expected, atol=tolerance, rtol=0, err_msg=name
        )


def inputs_of(recording):
    """The recorded input; the original programs normalise it before the model."""
    return {
        "video_matrix": recording["input"],
        "num_frames": recording["num_frames"].astype("int32"),
    }


def pair_variables(model, recording, prefix):
    """Variable name -> (weight of the model, recorded array in the weight's layout)."""
    pairs = {}
    places = variable_places(model)
    for key in recording.files:
        if key.startswith(f"{prefix}/tower/"):
            name = key.removeprefix(f"{prefix}/tower/")
            place = places[local_name(name)]
            pairs[name] = place.weight, place.layout(recording[key])
    return pairs
