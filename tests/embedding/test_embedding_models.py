"""The embedding models against NumPy in float64, their weights, saving and gradients."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import losses
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.early_fusion import EarlyFusion
from yt8m_models.embedding.frame_embedding import FrameEmbedding
from yt8m_models.embedding.late_fusion import LateFusion
from yt8m_models.embedding.mining import mine_negatives
from yt8m_models.embedding.tower import Tower

NAMES, SIZES = ("rgb", "audio"), (6, 3)
SMALL = EmbeddingConfig(hidden_size=(5,), embedding_size=4, num_clusters=4)
CASES = {
    "early": dataclasses.replace(SMALL, fusion="early"),
    "early_deep": dataclasses.replace(SMALL, fusion="early", hidden_size=(7, 5)),
    "early_linear": dataclasses.replace(SMALL, fusion="early", hidden_size=()),
    "late": SMALL,
    "late_deep": dataclasses.replace(SMALL, hidden_size=(7, 5), hidden_activation="tanh"),
    "late_whole": dataclasses.replace(SMALL, per_feature_l2_norm=False),
    "dsgmm": dataclasses.replace(SMALL, fusion="frames", gamma=0.5),
    "netvlad": dataclasses.replace(SMALL, fusion="frames", pooling="netvlad", batch_norm=False),
    "coupled": dataclasses.replace(SMALL, fusion="frames", assignment="diagonal"),
}
# Weights and biases of the layers from 6 + 3 features to 5 hidden units and 4 values.
EARLY, LATE = (9 * 5 + 5) + (5 * 4 + 4), (6 * 5 + 5) + (3 * 5 + 5) + 2 * (5 * 4 + 4)
# After pooling with 4 clusters and 2.
MEANS = 4 * 6 + 2 * 3
POOLED = (MEANS * 5 + 5) + (5 * 4 + 4)
PARAMETERS = {
    "early": EARLY,
    "early_deep": (9 * 7 + 7) + (7 * 5 + 5) + (5 * 4 + 4),
    "early_linear": 9 * 4 + 4,
    "late": LATE,
    "late_deep": (6 * 7 + 7) + (3 * 7 + 7) + 2 * ((7 * 5 + 5) + (5 * 4 + 4)),
    "late_whole": LATE,
    # Batch normalisation has 4 values a feature and a cluster, and 1 more.
    "dsgmm": (4 * 9 + 1) + MEANS + (6 * 4 + 3 * 2 + 4 * (4 + 2) + 2) + POOLED,
    "netvlad": MEANS + (6 * 4 + 4) + (3 * 2 + 2) + POOLED,
    "coupled": (4 * 9 + 1) + MEANS + (4 + 2) + MEANS + POOLED,  # means, mixture weights, deviations
}


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.fixture
def model(case):
    return _build(CASES[case])


def _build(config, names=NAMES, sizes=SIZES):
    """A model with random weights, also where they would start with 0 or 1."""
    model = create_embedding_model(config, names, sizes)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "seed" not in weight.path:
            values = rng.normal(size=weight.shape)
            weight.assign(np.abs(values) if "variance" in weight.path else values)
    return model


def _inputs(model, batch=4, seed=5):
    rng = np.random.default_rng(seed)
    if not isinstance(model, FrameEmbedding):
        return {"video_matrix": rng.normal(size=(batch, 9)).astype("float32")}
    return {
        "video_matrix": rng.integers(0, 256, (batch, 7, 9)).astype("uint8"),
        "num_frames": np.array([7, 3, 1, 5][:batch], "int32"),
    }


def _embed(model, inputs, training=False):
    return ops.convert_to_numpy(model(inputs, training=training))


def _normalized(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _reference_tower(tower, x):
    """The layers of a tower in float64."""
    for index, layer in enumerate(tower.layers):
        kernel, bias = (ops.convert_to_numpy(w.value).astype("float64") for w in layer.weights)
        x = x @ kernel + bias
        if index < len(tower.layers) - 1:
            x = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}[tower.activation](x)
    return x


def test_parameter_count(case, model):
    assert model.count_params() == PARAMETERS[case]


def test_every_fusion_has_its_model():
    built = {fusion: type(_build(CASES[fusion])) for fusion in ("early", "late", "dsgmm")}
    assert built == {"early": EarlyFusion, "late": LateFusion, "dsgmm": FrameEmbedding}


def test_embeddings_have_length_1(model):
    for training in (False, True):
        embeddings = _embed(model, _inputs(model), training)
        assert embeddings.shape == (4, 4)
        assert embeddings.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("early")])
def test_early_fusion_equals_the_reference(name):
    model = _build(CASES[name])
    inputs = _inputs(model)
    x = inputs["video_matrix"].astype("float64")
    x = np.concatenate([_normalized(x[:, :6]), _normalized(x[:, 6:])], axis=1)
    expected = _normalized(_reference_tower(model.embed, x))
    np.testing.assert_allclose(_embed(model, inputs), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("late")])
def test_late_fusion_equals_the_reference(name):
    model = _build(CASES[name])
    inputs = _inputs(model)
    x = inputs["video_matrix"].astype("float64")
    parts = [x[:, :6], x[:, 6:]]
    if name == "late_whole":
        parts = [part / np.linalg.norm(x, axis=1, keepdims=True) for part in parts]
    else:
        parts = [_normalized(part) for part in parts]
    rgb, audio = (
        _reference_tower(tower, part) for tower, part in zip(model.towers, parts, strict=True)
    )
    np.testing.assert_allclose(
        _embed(model, inputs), _normalized(rgb * audio), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("pooling", "norms"),
    [
        ("dsgmm", {}),
        ("netvlad", {}),
        ("dsgmm", {"intra_norm": False, "final_norm": True}),
        ("netvlad", {"final_norm": True}),
    ],
)
def test_frame_embedding_equals_the_reference(pooling, norms):
    """Without batch normalisation, frame by frame and cluster by cluster."""
    config = dataclasses.replace(CASES["netvlad"], pooling=pooling, gamma=0.5, **norms)
    model = _build(config)
    inputs = _inputs(model)
    frames = inputs["video_matrix"] * (4 / 255) + (4 / 512 - 2)
    expected = []
    for video, num_frames in zip(frames, inputs["num_frames"], strict=True):
        pooled = []
        for layer, part in zip(model.pooling, (video[:, :6], video[:, 6:]), strict=True):
            weights = {weight.name: ops.convert_to_numpy(weight.value) for weight in layer.weights}
            means = weights["means"]
            counts, sums = np.zeros(len(means)), np.zeros(means.shape)
            for frame in _normalized(part[:num_frames]):
                logits = frame @ weights["assignment_kernel"] + weights["assignment_bias"]
                posteriors = np.exp(logits) / np.exp(logits).sum()
                counts += posteriors
                sums += np.outer(posteriors, frame)
            counts = counts[:, None]
            if pooling == "dsgmm":
                described = (sums + 0.5 * means) / (counts + 0.5)
            else:
                described = sums - counts * means
            if norms.get("intra_norm", True):
                described = _normalized(described)
            described = described.ravel()
            pooled.append(_normalized(described) if norms.get("final_norm") else described)
        expected.append(_reference_tower(model.embed, np.concatenate(pooled)))
    np.testing.assert_allclose(
        _embed(model, inputs), _normalized(np.array(expected)), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("name", ["dsgmm", "netvlad", "coupled"])
def test_padding_changes_nothing(name):
    model = _build(CASES[name])
    inputs = _inputs(model)
    mask = np.arange(7) < inputs["num_frames"][:, None]
    padded = np.where(mask[..., None], inputs["video_matrix"], 77).astype("uint8")
    padded = np.pad(padded, [(0, 0), (0, 40), (0, 0)], constant_values=99)
    for training in (False, True):
        arguments = {"video_matrix": padded[:, :30], "num_frames": inputs["num_frames"]}
        np.testing.assert_allclose(
            _embed(model, arguments, training), _embed(model, inputs, training), atol=1e-4
        )
    arguments["video_matrix"] = padded
    np.testing.assert_allclose(_embed(model, arguments), _embed(model, inputs), atol=1e-4)


def test_a_video_without_frames_is_finite():
    model = _build(CASES["dsgmm"])
    inputs = _inputs(model)
    inputs["num_frames"][1] = 0
    for training in (False, True):
        assert np.isfinite(_embed(model, inputs, training)).all()


def test_frames_are_sampled_in_training_where_there_are_more():
    config = dataclasses.replace(CASES["netvlad"], sample_frames=3)
    model = _build(config)
    inputs = _inputs(model)
    assert np.abs(_embed(model, inputs, True) - _embed(model, inputs, True)).max() > 1e-4
    np.testing.assert_array_equal(_embed(model, inputs), _embed(model, inputs))
    # The third video has one frame: three samples of it describe the same direction.
    np.testing.assert_allclose(_embed(model, inputs, True)[2], _embed(model, inputs)[2], atol=1e-5)
    few = {"video_matrix": inputs["video_matrix"][:, :3], "num_frames": np.array([3, 3, 1, 2])}
    np.testing.assert_allclose(_embed(model, few, True), _embed(model, few), atol=1e-6)
    every = _build(dataclasses.replace(config, sample_frames=0))
    np.testing.assert_allclose(_embed(every, inputs, True), _embed(model, inputs), atol=1e-6)


def test_quantised_features_are_dequantised():
    model = _build(CASES["late"])
    quantised = np.random.default_rng(0).integers(0, 256, (4, 9)).astype("uint8")
    floats = (quantised * (4 / 255) + (4 / 512 - 2)).astype("float32")
    np.testing.assert_allclose(
        _embed(model, {"video_matrix": quantised}),
        _embed(model, {"video_matrix": floats}),
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_scale_of_a_feature_changes_nothing():
    """Unless the features are normalised together."""
    inputs = _inputs(_build(CASES["late"]))
    scaled = {"video_matrix": inputs["video_matrix"] * np.array([1] * 6 + [50] * 3, "float32")}
    for name, same in (("early", True), ("late", True), ("late_whole", False)):
        model = _build(CASES[name])
        assert np.allclose(_embed(model, inputs), _embed(model, scaled), atol=1e-5) == same


def test_one_feature_is_enough():
    late, early, frames = (
        _build(CASES[name], ("rgb",), (6,)) for name in ("late", "early", "dsgmm")
    )
    inputs = {"video_matrix": np.random.default_rng(0).normal(size=(4, 6)).astype("float32")}
    np.testing.assert_array_equal(_embed(late, inputs), _embed(early, inputs))
    inputs = {name: values[..., :6] for name, values in _inputs(frames).items()}
    assert _embed(frames, inputs).shape == (4, 4)


def test_saves_and_loads(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    assert (loaded.feature_names, loaded.feature_sizes) == (NAMES, SIZES)
    inputs = _inputs(model)
    np.testing.assert_array_equal(_embed(loaded, inputs), _embed(model, inputs))


def test_checkpoints_hold_every_weight(model, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("checkpoints are TensorFlow's")
    import tensorflow as tf

    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    again = create_embedding_model(model.config, NAMES, SIZES)
    status = tf.train.Checkpoint(model=again).read(path)
    status.assert_existing_objects_matched()
    for weight, restored in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(restored.value), ops.convert_to_numpy(weight.value), weight.path
        )


def test_gradients_reach_every_weight(model, gradients):
    inputs = _inputs(model)
    target = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
    found = gradients(
        model, lambda: ops.sum(ops.square(ops.subtract(model(inputs, training=True), target)))
    )
    for weight, gradient in zip(model.trainable_weights, found, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 1e-7, weight.path


@pytest.mark.parametrize(
    ("name", "mining", "loss"),
    [
        ("late", "none", "TripletHingeLoss"),
        ("late", "random", "TripletExponentialLoss"),
        ("late", "semi_hard", "TripletHingeLoss"),
        ("early", "hardest", "TripletLogLoss"),
        pytest.param("dsgmm", "semi_hard", "TripletHingeLoss", marks=pytest.mark.slow),
    ],
)
def test_training_tells_topics_apart(name, mining, loss):
    """In steps that XLA compiles. Of 6 topics, rgb shows one of 3 parts and audio one of 2."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("steps are TensorFlow's")
    import tensorflow as tf

    keras.utils.set_random_seed(3)
    config = dataclasses.replace(CASES[name], hidden_size=(16,), sample_frames=3)
    model = create_embedding_model(config, NAMES, SIZES)
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    triplet_loss, seed = losses.get_triplet(loss, 0.3), keras.random.SeedGenerator(1)
    rng = np.random.default_rng(0)
    rgb, audio = rng.normal(size=(3, 6)), rng.normal(size=(2, 3))
    frames = 5 if config.fusion == "frames" else 1

    def batch(size):
        """Videos of triplets, anchors first, and which negatives have the anchors' topics."""
        topics = rng.integers(0, 6, size)
        topics = np.concatenate([topics, topics, (topics + rng.integers(1, 6, size)) % 6])
        features = np.concatenate([rgb[topics // 2], audio[topics % 2]], axis=1)
        features = features[:, None] + 0.3 * rng.normal(size=(3 * size, frames, 9))
        inputs = {"video_matrix": features if frames > 1 else features[:, 0]}
        inputs["video_matrix"] = tf.constant(inputs["video_matrix"].astype("float32"))
        inputs["num_frames"] = tf.fill([3 * size], frames)
        return inputs, tf.constant(topics[:size, None] == topics[2 * size :])

    @tf.function(jit_compile=True)
    def step(inputs, excluded):
        with tf.GradientTape() as tape:
            embeddings = tf.split(model(inputs, training=True), 3)
            mined = mine_negatives(*embeddings, excluded, mining, seed)
            value = triplet_loss(
                mined.positive_distances, mined.negative_distances, mask=mined.found
            )
        gradients = tape.gradient(value, [weight.value for weight in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)

    inputs, _ = batch(300)

    def share_of_errors():
        anchors, positives, negatives = np.split(_embed(model, inputs), 3)
        nearer = np.square(anchors - positives).sum(axis=1)
        return np.mean(nearer + 0.1 > np.square(anchors - negatives).sum(axis=1))

    before = share_of_errors()
    for _ in range(50):
        step(*batch(48))
    assert before > 0.03
    assert share_of_errors() < before / 5


def test_any_batch_in_a_compiled_graph(model):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("graphs are TensorFlow's")
    import tensorflow as tf

    inputs = _inputs(model)
    signature = {
        name: tf.TensorSpec([None, *[None] * (value.ndim == 3), *value.shape[-1:]], value.dtype)
        if value.ndim > 1
        else tf.TensorSpec([None], value.dtype)
        for name, value in inputs.items()
    }
    embed = tf.function(model, input_signature=[signature])
    for batch in (1, 3):
        some = {name: value[:batch] for name, value in inputs.items()}
        np.testing.assert_allclose(embed(some), _embed(model, some), atol=1e-5)


def test_mixed_precision_is_close(case):
    found = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = _build(CASES[case])
        finally:
            keras.config.set_dtype_policy("float32")
        inputs = _inputs(model)
        found.append(_embed(model, inputs))
        assert found[-1].dtype == np.float32
    np.testing.assert_allclose(found[1], found[0], atol=0.1)


@pytest.mark.parametrize(
    ("names", "sizes", "message"),
    [
        ((), (), "feature_names and feature_sizes must have equally many"),
        (("rgb",), (6, 3), r"equally many entries, .* received \['rgb'\] and \[6, 3\]"),
        (("rgb", "rgb"), (6, 3), r"feature_names must differ; received \['rgb', 'rgb'\]"),
        (("rgb", "audio"), (6, 0), r"feature_sizes must be at least 1; received \[6, 0\]"),
    ],
)
def test_refuses_features(names, sizes, message):
    with pytest.raises(ValueError, match=message):
        create_embedding_model(SMALL, names, sizes)


def test_refuses_the_configuration_of_another_fusion():
    with pytest.raises(ValueError, match="fusion must be early for EarlyFusion; received late"):
        EarlyFusion(SMALL, NAMES, SIZES)


def test_refuses_inputs_of_another_width(model):
    inputs = _inputs(model)
    inputs["video_matrix"] = inputs["video_matrix"][..., :8]
    with pytest.raises(ValueError, match=r"video_matrix must be 9 wide, .* received shape \(4, "):
        model(inputs)


@pytest.mark.parametrize(("hidden", "size"), [((0,), 4), ((3,), 0)])
def test_tower_refuses_widths(hidden, size):
    with pytest.raises(ValueError, match=r"must be .*at least 1; received \(?0"):
        Tower(hidden, size)


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 400), ("none", 1 / 400)])
def test_fresh_towers_keep_the_variance(activation, variance):
    """Of what enters a layer; half of it where a ReLU cuts that off."""
    tower = Tower((2000,), 500, activation)
    tower.build((None, 400))
    for layer, expected in zip(tower.layers, (variance, 1 / 2000), strict=True):
        start = ops.convert_to_numpy(layer.kernel)
        assert start.var() == pytest.approx(expected, rel=0.02)


def test_tower_round_trip():
    tower = Tower((5, 3), 2, activation="tanh")
    again = Tower.from_config(tower.get_config())
    assert again.get_config() == tower.get_config()
    assert tower.compute_output_shape((None, 7)) == (None, 2)


def test_export_predicts_the_same_of_any_number_of_videos_and_frames(model, tmp_path):
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("exports by TensorFlow")
    rng = np.random.default_rng(2)
    model.export(str(tmp_path / "saved"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    for videos, frames in ((3, 7), (1, 2)):
        shape = (videos, frames, 9) if model.takes_frames else (videos, 9)
        inputs = {"video_matrix": rng.normal(size=shape).astype("float32")}
        if model.takes_frames:
            inputs["num_frames"] = rng.integers(0, frames + 1, videos).astype("int32")
        received = loaded.serve({name: tf.constant(value) for name, value in inputs.items()})
        np.testing.assert_allclose(received, model(inputs), atol=1e-6)
