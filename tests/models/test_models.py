"""Every preset and every pooling: parameters, training, saving and loading; and refusals."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from losses import CrossEntropyLoss
from tests.small_sizes import SIZES
from yt8m_models import layers
from yt8m_models.config import ModelConfig
from yt8m_models.models import create_model
from yt8m_models.poolings import POOLINGS
from yt8m_models.presets import FRAME_LEVEL, PRESETS

# Weights for features of 6 + 2, 5 classes, 4 clusters (2 for the second feature, 1 in a bag of
# frames), 3 hidden units and 2 experts. Batch normalisation (BN) of n values has 4n + 1, of which
# 2n are trainable.
MOE = 3 * (3 * 5) + 3 * (2 * 5) + 2 * 5  # gates, experts, biases after the hidden layer: 85
CLUSTERS = 6 * 4 + 2 * 2 + (4 * 4 + 1) + (4 * 2 + 1)  # assignment kernels, and their BN: 54
MEANS = 4 * 6 + 2 * 2  # 28
GATED = (3 * 3 + 4 * 3 + 1) + (5 * 5 + 4 * 5 + 1)  # context gating, probability gating: 68
BAG = 6 * 4 + 2 * 1 + (4 * 4 + 1) + (4 * 1 + 1)  # kernels, and their BN: 48
BAG_GATES = 4 * 6 + 6 * 4 + (4 * 4 + 1)  # of the first feature: two kernels and BN
NEXTVLAD = (  # 4 groups of 3 out of 2 * 6, 2 groups of 2 out of 2 * 2: expansion, attention,
    (6 * 12 + 12) + (12 * 4 + 4) + (12 * 16 + 4 * 16 + 1)  # assignment and its BN,
    + 4 * 3 + (4 * 12 + 1)  # means and the output's BN
    + (2 * 4 + 4) + (4 * 2 + 2) + (4 * 4 + 4 * 4 + 1) + 2 * 2 + (4 * 4 + 1)
)  # fmt: skip
ATTENTION = (6 * 3 + 3 * 2) + (2 * 3 + 3 * 2)  # 2 heads from 3 units
# Two layers of 3 cells and 4 (LSTM) or 3 (GRU) activations a cell: of all features, and of each.
LSTM = (8 + 3 + 1) * 12 + (3 + 3 + 1) * 12
LSTMS = (6 + 3 + 1) * 12 + (2 + 3 + 1) * 12 + 2 * (3 + 3 + 1) * 12
GRU = (8 + 3 + 1) * 9 + (3 + 3 + 1) * 9
GRUS = (6 + 3 + 1) * 9 + (2 + 3 + 1) * 9 + 2 * (3 + 3 + 1) * 9
INPUT = 4 * 8 + 1  # BN
VLAD = INPUT + CLUSTERS + MEANS + (28 * 3 + 3) + GATED + MOE  # 355
FIXED_CLUSTERS = 6 * 4 + 2 * 2 + 4 + 2  # kernels, and biases instead of BN
FIXED = FIXED_CLUSTERS + MEANS + (28 * 3 + 3) + GATED + MOE  # no input BN
PARAMETERS = {
    "LogisticModel": 8 * 5 + 5,
    "MoeModel": 8 * (3 * 5) + 8 * (2 * 5) + 2 * 5,
    "FrameLevelLogisticModel": 8 * 5 + 5,
    "DbofModel": INPUT + (8 * 4 + 4 * 4 + 1) + (4 * 3 + 4 * 3 + 1) + MOE,
    "LstmModel": LSTM + MOE,
    "GruModel": GRU + 6 * (3 * 5) + 6 * (2 * 5) + 2 * 5,  # the states of both layers
    "NetVLADModelLF": VLAD,
    "NetFVModelLF": VLAD + MEANS + MEANS * 3,  # deviations of the clusters; twice as wide
    "DSGMMModel": VLAD,
    "SoftDbofModelLF": INPUT + BAG + (5 * 3 + 3) + MOE,
    "GatedDbofModelLF": INPUT + BAG + BAG_GATES + (5 * 3 + 3) + MOE,
    # BN instead of a bias, a bottleneck of 1 unit in the gating, and a logistic classifier.
    "NeXtVLADModel": NEXTVLAD + (16 * 3 + 4 * 3 + 1) + (3 * 1 + 4 * 1 + 1 + 1 * 3) + (3 * 5 + 5),
    "SelfAttentionModel": INPUT + ATTENTION + (16 * 3 + 3) + GATED + MOE,
    "VLADModel": FIXED,
    "SGMMModel": FIXED,
}
POOLED = {  # the layer of the first feature, the weights of all, and the width of what they give
    "average": (layers.AveragePooling, 0, 6 + 2),
    "max": (layers.MaxPooling, 0, 6 + 2),
    "netbow": (layers.NetBoW, CLUSTERS, 4 + 2),
    "netvlad": (layers.NetVLAD, CLUSTERS + MEANS, 28),
    "netrvlad": (layers.NetRVLAD, CLUSTERS, 28),
    "vlagd": (layers.VLAGD, CLUSTERS + MEANS, 28),  # gates of the means' shape
    "netfv": (layers.NetFV, CLUSTERS + 2 * MEANS, 2 * 28),  # means and deviations
    "dsgmm": (layers.DSGMM, CLUSTERS + MEANS, 28),
    "vlad": (layers.NetVLAD, FIXED_CLUSTERS + MEANS, 28),
    "sgmm": (layers.DSGMM, FIXED_CLUSTERS + MEANS, 28),
    "dbof": (layers.DBoF, BAG, 4 + 1),
    "soft_dbof": (layers.SoftDBoF, BAG, 4 + 1),
    "gated_dbof": (layers.GatedDBoF, BAG + BAG_GATES, 4 + 1),
    "nextvlad": (layers.NeXtVLAD, NEXTVLAD, 4 * 3 + 2 * 2),
    "attention": (layers.SelfAttentionPooling, ATTENTION, 2 * 8),
    "feature_attention": (layers.FeatureAttentionPooling, 2 * (6 * 3 + 3) + 2 * (2 * 3 + 3), 2 * 3),
    "lstm": (layers.LSTMPooling, LSTMS, 2 * 3),
    "gru": (layers.GRUPooling, GRUS, 2 * 3),
}
OTHER_SIZES = {
    "FrameLevelLogisticModel": {"hidden_size": 0},
    "LstmModel": {"hidden_size": 0},
    "GruModel": {"hidden_size": 0},
    "NeXtVLADModel": {"gating_reduction": 2},
}
NETWORK = {"frame_layers": (7, 4), "frame_dropout": 0.1, "hidden_dropout": 0.1}
# Every preset, every pooling that is none's, and layers on frames.
# One of each kind; the others are slow, and their layers are tested by themselves.
QUICK = {"MoeModel", "LogisticModel", "NetVLADModelLF", "DSGMMModel", "NeXtVLADModel", "LstmModel"}


def quick_or_slow(name):
    return [] if name in QUICK else [pytest.mark.slow]


CASES = [
    *(pytest.param(name, {}, id=name, marks=quick_or_slow(name)) for name in PRESETS),
    *(
        pytest.param(
            "DSGMMModel", {"pooling": pooling}, id=f"pooling={pooling}", marks=pytest.mark.slow
        )
        for pooling in POOLINGS
        if pooling not in {ModelConfig(name).resolved().pooling for name in FRAME_LEVEL}
    ),
    pytest.param("DSGMMModel", NETWORK, id="frame_layers"),
]
FRAME_LEVEL_CASES = [case for case in CASES if case.values[0] in FRAME_LEVEL]


@pytest.fixture
def build(small_data):
    """`build(name, **overrides)`: a small model of that preset."""

    def build_preset(name, sample_frames=0, **overrides):
        keras.utils.set_random_seed(3)
        config = ModelConfig(model=name, **{**SIZES, **OTHER_SIZES.get(name, {}), **overrides})
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


def test_every_preset_and_every_pooling_is_in_the_tables():
    assert set(PARAMETERS) == set(PRESETS)
    assert set(POOLED) == set(POOLINGS)


@pytest.mark.parametrize("name", PRESETS)
def test_parameter_count(name, build):
    assert build(name).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_has_its_layer_and_parameters(pooling, build):
    model = build("DSGMMModel", pooling=pooling)
    layer, weights, width = POOLED[pooling]
    assert type(model.pooling[0]) is layer
    input_batch_norm = 0 if pooling in ("vlad", "sgmm") else INPUT
    rest = input_batch_norm + (width * 3 + 3) + GATED + MOE
    assert model.count_params() == weights + rest


def test_layers_on_frames_make_one_feature_of_all(build):
    """8 features of both, 7 and 4 units with batch normalisation, 4 clusters of the 4 units."""
    network = 8 * 7 + (4 * 7 + 1) + 7 * 4 + (4 * 4 + 1)
    clusters = 4 * 4 + (4 * 4 + 1) + 4 * 4
    rest = (4 * 4 * 3 + 3) + GATED + MOE
    assert build("DSGMMModel", **NETWORK).count_params() == INPUT + network + clusters + rest


@pytest.mark.parametrize("name", ["VLADModel", "SGMMModel"])
def test_clusters_of_recorded_frames_take_no_layers_before(name, build):
    with pytest.raises(ValueError, match=r"--frame_layers must be empty with --pooling=.*\[7, 4\]"):
        build(name, **NETWORK)


@pytest.mark.parametrize(("name", "overrides"), CASES)
def test_learns_saves_and_loads(name, overrides, build, inputs, tmp_path):
    model = build(name, **overrides)
    videos, labels = inputs(model), np.eye(4, 5, dtype=bool)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = CrossEntropyLoss()(labels, model(videos, training=True)) + sum(model.losses)
        variables = [weight.value for weight in model.trainable_variables]
        optimizer.apply(tape.gradient(loss, variables), model.trainable_variables)
        return loss

    losses = [float(step()) for _ in range(12)]
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


@pytest.mark.parametrize(("name", "overrides"), FRAME_LEVEL_CASES)
def test_quantised_and_dequantised_frames_agree_and_padding_changes_nothing(
    name, overrides, build, inputs
):
    model = build(name, **overrides)
    videos = inputs(model)
    expected = model(videos).numpy()
    frames = videos["video_matrix"].astype("float32") * (4 / 255) + (4 / 512 - 2)
    frames = np.pad(frames, [(0, 0), (0, 5), (0, 0)], constant_values=9)
    longer = {"video_matrix": frames, "num_frames": videos["num_frames"]}
    np.testing.assert_allclose(model(longer).numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("classifier", ["MoeModel", "LogisticModel"])
def test_classifier_is_swapped_by_flag(classifier, build, inputs):
    model = build("DSGMMModel", video_level_classifier_model=classifier)
    assert model.has_logits == (classifier == "LogisticModel")
    predictions = model(inputs(model)).numpy()
    assert predictions.shape == (4, 5)
    assert np.isfinite(predictions).all()


@pytest.mark.parametrize(
    "pooling",
    [
        pytest.param(
            pooling, marks=[] if pooling in ("netvlad", "dsgmm", "lstm") else pytest.mark.slow
        )
        for pooling in POOLINGS
    ],
)
def test_compiled_and_eager_predictions_agree(pooling, build, inputs):
    model = build("DSGMMModel", pooling=pooling)
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


def test_further_features_are_pooled_smaller(build):
    """WILLOW's bags of frames have K / 8 clusters for audio, which is not gated."""
    bags = build("GatedDbofModelLF", num_clusters=16, softdbof_maxpool=True).pooling
    assert [type(layer) for layer in bags] == [layers.GatedDBoF, layers.SoftDBoF]
    assert [layer.num_clusters for layer in bags] == [16, 2]
    assert bags[1].max_pool
    vlads = build("NeXtVLADModel").pooling
    assert [layer.groups for layer in vlads] == [4, 2]
    assert build("NeXtVLADModel", nextvlad_groups=1).pooling[1].groups == 1


def test_where_batch_normalisation_is(build):
    def batch_norms(name, **overrides):
        model = build(name, **overrides)
        return [layer is not None for layer in (model.input_batch_norm, model.hidden_batch_norm)]

    assert batch_norms("NetVLADModelLF") == [True, False]
    assert batch_norms("NetVLADModelLF", hidden_activation="relu6") == [True, True]
    assert batch_norms("NetVLADModelLF", hidden_batch_norm=True) == [True, True]
    assert batch_norms("NeXtVLADModel") == [False, True]
    assert batch_norms("NeXtVLADModel", batch_norm=False) == [False, False]
    assert batch_norms("DbofModel", hidden_batch_norm=False) == [True, False]
    assert batch_norms("DbofModel", input_batch_norm=False) == [False, True]


def test_dropout_is_for_training(build, inputs):
    model = build("NeXtVLADModel", dropout=0.5)
    videos = inputs(model)
    np.testing.assert_array_equal(model(videos), model(videos))
    assert np.abs(model(videos, training=True) - model(videos, training=True)).max() > 0
    assert build("NeXtVLADModel", dropout=0.0).dropout is None


def test_refusals(build, small_data):
    with pytest.raises(ValueError, match="DSGMMModel needs --frame_features"):
        create_model(ModelConfig(model="DSGMMModel"), small_data(frame_features=False))
    with pytest.raises(ValueError, match="MoeModel takes video-level features"):
        create_model(ModelConfig(model="MoeModel"), small_data(frame_features=True))
    for dropout in (-0.1, 1.0):
        with pytest.raises(ValueError, match=f"--dropout must be .*received {dropout}"):
            build("NeXtVLADModel", dropout=dropout)
    with pytest.raises(ValueError, match="--model=Moe: did you mean MoeModel"):
        create_model(ModelConfig(model="Moe"), small_data(frame_features=False))


def test_resolved_keeps_what_was_given():
    config = ModelConfig(model="DSGMMModel", gating=False, gamma=0.0)
    resolved = config.resolved()
    assert (resolved.gating, resolved.gamma, resolved.pooling) == (False, 0.0, "dsgmm")
    assert dataclasses.replace(config, **dataclasses.asdict(resolved)).resolved() == resolved
    assert resolved.resolved() == resolved
