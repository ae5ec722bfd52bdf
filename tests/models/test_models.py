"""Every preset: its parameter count, a training step, saving and loading, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from losses import CrossEntropyLoss
from yt8m_models import layers
from yt8m_models.config import ModelConfig
from yt8m_models.models import create_model
from yt8m_models.presets import FRAME_LEVEL, PRESETS

# Weights for features of 6 + 2, 5 classes, 4 clusters (2 for the second feature), 3 hidden units
# and 2 experts. Batch normalisation (BN) of n values has 4n, of which 2n are trainable.
MOE = 3 * (3 * 5) + 3 * (2 * 5) + 2 * 5  # gates, experts, biases after the hidden layer: 85
CLUSTERS = 6 * 4 + 2 * 2 + 4 * 4 + 4 * 2  # assignment kernels, and their BN: 52
MEANS = 4 * 6 + 2 * 2  # 28
GATED = (3 * 3 + 4 * 3) + (5 * 5 + 4 * 5)  # context gating, probability gating: 66
VLAD = 4 * 8 + CLUSTERS + MEANS + (28 * 3 + 3) + GATED + MOE  # input BN first: 350
PARAMETERS = {
    "LogisticModel": 8 * 5 + 5,
    "MoeModel": 8 * (3 * 5) + 8 * (2 * 5) + 2 * 5,
    "FrameLevelLogisticModel": 8 * 5 + 5,
    "DbofModel": 4 * 8 + (8 * 4 + 4 * 4) + (4 * 3 + 4 * 3) + MOE,
    "NetVLADModelLF": VLAD,
    "DSGMMModel": VLAD,
}
SIZES = {"num_clusters": 4, "hidden_size": 3}


@pytest.fixture
def build(small_data):
    """`build(name, **overrides)`: a small model of that preset."""

    def build_preset(name, sample_frames=0, **overrides):
        keras.utils.set_random_seed(3)
        sizes = SIZES if name in ("DbofModel", "NetVLADModelLF", "DSGMMModel") else {}
        config = ModelConfig(model=name, **{**sizes, **overrides})
        data = small_data(frame_features=name in FRAME_LEVEL)
        return create_model(config, data, sample_frames)

    return build_preset


@pytest.fixture
def inputs():
    """`inputs(model)`: four videos of up to 7 frames, quantised where the model takes frames."""

    def random_inputs(model):
        rng = np.random.default_rng(5)
        if not model.data.frame_features:
            return {"video_matrix": rng.normal(size=(4, 8)).astype("float32")}
        return {
            "video_matrix": rng.integers(0, 256, (4, 7, 8)).astype("uint8"),
            "num_frames": np.array([7, 3, 1, 0], "int32"),
        }

    return random_inputs


def test_every_preset_is_in_the_table():
    assert set(PARAMETERS) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_parameter_count(name, build):
    assert build(name).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_learns_saves_and_loads(name, build, inputs, tmp_path):
    model = build(name)
    videos, labels = inputs(model), np.eye(4, 5, dtype=bool)
    optimizer = keras.optimizers.Adam(0.05)
    losses = []
    for _ in range(12):
        with tf.GradientTape() as tape:
            loss = CrossEntropyLoss()(labels, model(videos, training=True)) + sum(model.losses)
        losses.append(float(loss))
        variables = [weight.value for weight in model.trainable_variables]
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    assert losses[-1] < 0.9 * losses[0]

    expected = model(videos).numpy()
    assert expected.shape == (4, 5)
    assert expected.dtype == np.float32
    assert ((expected >= 0) & (expected <= 1)).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(videos).numpy(), expected)
    assert loaded.config == model.config
    assert loaded.data == model.data


@pytest.mark.parametrize("name", FRAME_LEVEL)
def test_quantised_and_dequantised_frames_agree_and_padding_changes_nothing(name, build, inputs):
    model = build(name)
    videos = inputs(model)
    expected = model(videos).numpy()
    frames = videos["video_matrix"].astype("float32") * (4 / 255) + (4 / 512 - 2)
    frames = np.pad(frames, [(0, 0), (0, 5), (0, 0)], constant_values=9)
    longer = {"video_matrix": frames, "num_frames": videos["num_frames"]}
    np.testing.assert_allclose(model(longer).numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("pooling", ["average", "max", "netvlad", "dsgmm", "dbof"])
@pytest.mark.parametrize("classifier", ["MoeModel", "LogisticModel"])
def test_pooling_and_classifier_are_swapped_by_flag(pooling, classifier, build, inputs):
    model = build("DSGMMModel", pooling=pooling, video_level_classifier_model=classifier)
    kinds = {
        "average": layers.AveragePooling,
        "max": layers.MaxPooling,
        "netvlad": layers.NetVLAD,
        "dsgmm": layers.DSGMM,
        "dbof": layers.DBoF,
    }
    assert [type(layer) for layer in model.pooling] == [kinds[pooling]] * 2
    assert model.has_logits == (classifier == "LogisticModel")
    predictions = model(inputs(model)).numpy()
    assert predictions.shape == (4, 5)
    assert np.isfinite(predictions).all()


def test_compiled_and_eager_predictions_agree(build, inputs):
    model = build("DSGMMModel")
    videos = {name: tf.constant(value) for name, value in inputs(model).items()}
    compiled = tf.function(lambda batch: model(batch), jit_compile=True)
    np.testing.assert_allclose(compiled(videos), model(videos), rtol=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_checkpoints_hold_every_weight(name, build, inputs, tmp_path):
    model, other = build(name), build(name)
    for weight in other.weights:
        weight.assign(weight + 1)
    path = tf.train.Checkpoint(model=other).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(model=model).read(path).assert_existing_objects_matched()
    for weight, expected in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(weight, expected, err_msg=weight.path)


def test_sampling_inside_the_model(build, inputs):
    """With one frame a video, sampling it again and again changes nothing."""
    whole, sampling = build("DSGMMModel", gamma=0.0), build("DSGMMModel", 3, gamma=0.0)
    sampling.set_weights(whole.get_weights())
    videos = inputs(whole)
    videos["num_frames"] = np.array([1, 1, 1, 0], "int32")
    np.testing.assert_allclose(sampling(videos), whole(videos), rtol=1e-4)


def test_clusters_of_the_second_feature(build):
    assert [layer.num_clusters for layer in build("DSGMMModel").pooling] == [4, 2]
    assert [layer.num_clusters for layer in build("DSGMMModel", num_clusters=1).pooling] == [1, 1]
    model = build("DSGMMModel", num_clusters_audio=7)
    assert [layer.num_clusters for layer in model.pooling] == [4, 7]


def test_refusals(build, small_data):
    with pytest.raises(ValueError, match="DSGMMModel needs --frame_features"):
        create_model(ModelConfig(model="DSGMMModel"), small_data(frame_features=False))
    with pytest.raises(ValueError, match="MoeModel takes video-level features"):
        create_model(ModelConfig(model="MoeModel"), small_data(frame_features=True))
    with pytest.raises(ValueError, match="unknown model 'Moe'"):
        create_model(ModelConfig(model="Moe"), small_data(frame_features=False))


def test_resolved_keeps_what_was_given():
    config = ModelConfig(model="DSGMMModel", gating=False, gamma=0.0)
    resolved = config.resolved()
    assert (resolved.gating, resolved.gamma, resolved.pooling) == (False, 0.0, "dsgmm")
    assert dataclasses.replace(config, **dataclasses.asdict(resolved)) == resolved
    assert resolved.resolved() == resolved
