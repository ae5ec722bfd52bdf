"""Models equal the recorded outputs of the original TensorFlow 1 programs."""

import json

import numpy as np
import pytest
import tensorflow as tf

from losses import CrossEntropyLoss
from yt8m_models.config import DataConfig, ModelConfig
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
}


@pytest.fixture(params=RECORDINGS)
def recorded(request, shared):
    """A recording and the model with its variables."""
    recording = np.load(shared / "parity" / f"{request.param}.npz")
    meta = json.loads(str(recording["meta"]))
    config = ModelConfig(**RECORDINGS[request.param])
    frame_features = recording["input"].ndim == 3
    names = ("rgb", "audio") if frame_features else ("mean_rgb", "mean_audio")
    data = DataConfig(names, (1024, 128), frame_features, num_classes=meta["C"])
    model = create_model(config, data)
    for weight, array in pair_variables(model, recording, "var").values():
        weight.assign(array)
    return model, recording


def test_predictions_losses_and_regularization(recorded):
    model, recording = recorded
    for mode in ("eval", "train"):
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
    for key in recording.files:
        if key.startswith(f"{prefix}/tower/"):
            name = key.removeprefix(f"{prefix}/tower/")
            pairs[name] = place(model, name, recording[key])
    return pairs


def place(model, name, array):
    """The weight that a TensorFlow 1 variable is, and the array permuted to its layout."""
    scope, _, leaf = name.rpartition("/")
    batch_norms = {
        "input_bn": lambda: model.input_batch_norm,
        "hidden1_bn": lambda: model.hidden_batch_norm,
        "gating_bn": lambda: model.gating.normalization,
        "gating_prob_bn": lambda: model.classifier.gating.normalization,
        "cluster_bn": lambda: model.pooling[0].normalization,
        "video_VLAD/cluster_bn": lambda: model.pooling[0].assign.normalization,
        "audio_VLAD/cluster_bn": lambda: model.pooling[1].assign.normalization,
    }
    if scope in batch_norms:
        return getattr(batch_norms[scope](), leaf), array
    classes = model.data.num_classes
    if scope in ("gates", "experts"):
        # Originally class by class with the experts of a class side by side; here expert by expert.
        by_class = array.reshape(*array.shape[:-1], classes, -1)
        array = np.swapaxes(by_class, -1, -2).reshape(array.shape)
        leaf = {"weights": "kernel", "biases": "bias"}[leaf]
        return getattr(model.classifier, f"{scope}_{leaf}"), array
    if scope == "fully_connected":
        return getattr(model.classifier, {"weights": "kernel", "biases": "bias"}[leaf]), array
    if scope in ("video_VLAD", "audio_VLAD"):
        pooling = model.pooling[scope == "audio_VLAD"]
        if leaf == "cluster_weights2":
            return pooling.means, array[0].T
        return pooling.assign.kernel, array
    if name == "hidden1_weights":
        return model.hidden.kernel, clusters_first(model, array)
    weights = {
        "cluster_weights": lambda: model.pooling[0].kernel,
        "hidden1_biases": lambda: model.hidden.bias,
        "gating_weights_2": lambda: model.gating.gating_kernel,
        "gating_prob_weights": lambda: model.classifier.gating.gating_kernel,
    }
    return weights[name](), array


def clusters_first(model, kernel):
    """Rows of the hidden layer's kernel from WILLOW's (D, K) to (K, D), feature by feature."""
    if model.config.pooling != "netvlad":
        return kernel
    parts, start = [], 0
    for layer, size in zip(model.pooling, model.pooled_sizes, strict=True):
        rows = kernel[start : start + size * layer.num_clusters]
        start += len(rows)
        rows = rows.reshape(size, layer.num_clusters, -1).swapaxes(0, 1)
        parts.append(rows.reshape(size * layer.num_clusters, -1))
    return np.concatenate(parts)
