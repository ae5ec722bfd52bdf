"""Tests of yt8m_models.training.initialization: clusters from a UBM, and from records."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.quantization import dequantize
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.gmm.trainer import train_ubm
from yt8m_models.gmm.ubm_dir import load_ubm
from yt8m_models.models import create_model
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.initialization import initialize_clusters
from yt8m_models.training.trainer import train

from .conftest import DATA

SIZES = {"num_clusters": 4, "hidden_size": 4, "iterations": 5}
PARTS = {"rgb": slice(0, 8), "audio": slice(8, 12)}


@pytest.fixture(scope="session")
def make_ubm(records, tmp_path_factory):
    """`make_ubm(**flags)`: the directory of a UBM with 4 and 2 clusters of the training frames."""
    made = {}

    def make(**flags):
        key = json.dumps(flags)
        if key not in made:
            made[key] = str(tmp_path_factory.mktemp("ubm"))
            values = {"num_clusters": 4, "max_iterations": 5, **flags}
            train_ubm(UBMConfig(str(records / "train*.tfrecord"), made[key], **values), DATA)
        return made[key]

    return make


@pytest.fixture(scope="session")
def frames(records):
    """All frames of the training records, quantised and as the model normalises them."""
    files = match_files(str(records / "train*.tfrecord"))
    blocks = []
    for batch in Pipeline(files, DATA, PipelineOptions(128)):
        valid = tf.sequence_mask(batch["num_frames"], tf.shape(batch["video_matrix"])[1])
        blocks.append(tf.boolean_mask(batch["video_matrix"], valid).numpy())
    quantised = np.concatenate(blocks)
    values = dequantize(quantised).astype(np.float64)
    return quantised, values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture
def start(config, change):
    """`start(model_config, **flags)`: a fresh model whose clusters were initialised."""

    def initialized(model_config, **flags):
        keras.utils.set_random_seed(1)
        model = create_model(model_config, DATA)
        initialize_clusters(model, change(config, **flags))
        return model

    return initialized


def assigned(model, quantised):
    """The posteriors of each pooling layer for frames `(n, D)`, in inference mode."""
    values = model.input_normalization(quantised[None])
    if model.input_batch_norm is not None:
        values = model.input_batch_norm(values)
    pairs = zip(model.pooling, PARTS.values(), strict=True)
    return [np.asarray(layer.assign(values[..., part]))[0] for layer, part in pairs]


@pytest.mark.parametrize("pooling", ["vlad", "sgmm"])
@pytest.mark.parametrize("covariance_type", ["tied", "diagonal"])
def test_fixed_poolings_assign_as_their_ubm(pooling, covariance_type, make_ubm, start, frames):
    ubm_dir = make_ubm(covariance_type=covariance_type)
    model = start(ModelConfig("DSGMMModel", pooling=pooling, **SIZES), ubm_dir=ubm_dir)
    assert model.input_batch_norm is None
    pooled = {id(weight) for layer in model.pooling for weight in layer.weights}
    assert len(pooled) == 6
    assert not pooled & {id(weight) for weight in model.trainable_variables}
    quantised, normalized = frames
    received = assigned(model, quantised)
    for index, (name, part) in enumerate(PARTS.items()):
        ubm = load_ubm(ubm_dir, name)
        np.testing.assert_allclose(received[index], ubm.posteriors(normalized[:, part]), atol=1e-4)
        np.testing.assert_allclose(model.pooling[index].means, ubm.means, rtol=1e-6)


def test_only_what_follows_is_trained_and_checkpoints_hold_the_clusters(make_ubm, config, change):
    ubm_dir, model_config = make_ubm(), ModelConfig("SGMMModel", **SIZES)
    train(change(config, ubm_dir=ubm_dir, max_steps=3), DATA, model_config)
    before = restore_model(config.train_dir).model
    # A resumed run takes its clusters from the checkpoint: it needs no UBM, and reads none.
    result = train(change(config, ubm_dir="no such directory"), DATA, model_config)
    assert result["step"] == 6
    after = restore_model(config.train_dir).model
    for index, feature in enumerate(PARTS):
        ubm = load_ubm(ubm_dir, feature)
        pooling = after.pooling[index]
        u, b = ubm.assignment()
        np.testing.assert_allclose(pooling.means, ubm.means, rtol=1e-6)
        np.testing.assert_allclose(pooling.assign.kernel, u.T, rtol=1e-6)
        np.testing.assert_allclose(pooling.assign.bias, b, rtol=1e-6)
    assert np.abs(after.hidden.kernel - before.hidden.kernel).max() > 0


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("pooling", ["netvlad", "dsgmm", "netfv", "netbow", "netrvlad"])
def test_trained_poolings_start_from_a_ubm(pooling, batch_norm, make_ubm, start, frames):
    """With input batch normalisation too: the UBM is normalised as the frames are."""
    ubm_dir = make_ubm()
    model_config = ModelConfig("DSGMMModel", pooling=pooling, batch_norm=batch_norm, **SIZES)
    model = start(model_config, init_clusters_from=ubm_dir)
    quantised, normalized = frames
    received = assigned(model, quantised)
    for index, (name, part) in enumerate(PARTS.items()):
        expected = load_ubm(ubm_dir, name).posteriors(normalized[:, part])
        np.testing.assert_allclose(received[index], expected, atol=2e-4)
    if batch_norm:
        moments = normalized.mean(axis=0), normalized.var(axis=0)
        np.testing.assert_allclose(model.input_batch_norm.moving_mean, moments[0], atol=1e-5)
        np.testing.assert_allclose(model.input_batch_norm.moving_variance, moments[1], rtol=1e-3)


@pytest.mark.parametrize("source", ["records", "ubm"])
def test_statistics_from_data_stay_where_they_are_of_what_is_not_trained(
    source, make_ubm, start, records
):
    """Those of the input count as settled; the first batch replaces those of the assignment."""
    pattern = make_ubm() if source == "ubm" else str(records / "train*.tfrecord")
    model = start(ModelConfig("DSGMMModel", **SIZES), init_clusters_from=pattern)
    batch = {
        "video_matrix": np.random.default_rng(0).integers(0, 256, (4, 5, 12)).astype("uint8"),
        "num_frames": np.array([5, 5, 5, 5], "int32"),
    }
    before = model.input_batch_norm.moving_mean.numpy()
    model(batch, training=True)
    frames = np.asarray(model.input_normalization(batch["video_matrix"])).reshape(-1, 12)
    expected = 0.95 * before + 0.05 * frames.mean(axis=0)
    np.testing.assert_allclose(model.input_batch_norm.moving_mean, expected, rtol=1e-4)
    normalized = (frames - frames.mean(axis=0)) / np.sqrt(frames.var(axis=0) + 1e-3)
    assign = model.pooling[0].assign
    projected = normalized[:, :8] @ np.asarray(assign.kernel)
    np.testing.assert_allclose(assign.normalization.moving_mean, projected.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(
        assign.normalization.moving_variance, projected.var(axis=0), rtol=1e-3
    )


@pytest.mark.parametrize("batch_norm", [False, True])
def test_coupled_poolings_start_from_a_ubm(batch_norm, make_ubm, start, frames):
    ubm_dir = make_ubm(covariance_type="diagonal")
    flags = {"assignment": "shared_diagonal", "batch_norm": batch_norm, **SIZES}
    model = start(ModelConfig("DSGMMModel", **flags), init_clusters_from=ubm_dir)
    quantised, normalized = frames
    received = assigned(model, quantised)
    for index, (name, part) in enumerate(PARTS.items()):
        expected = load_ubm(ubm_dir, name).posteriors(normalized[:, part])
        np.testing.assert_allclose(received[index], expected, atol=2e-4)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("assignment", ["decoupled", "spherical", "diagonal"])
def test_poolings_start_from_records(assignment, batch_norm, start, records, frames):
    """Means among the frames as the layer sees them, σ as wide as the frames are around them."""
    flags = {"assignment": assignment, "batch_norm": batch_norm, **SIZES}
    pattern = str(records / "train*.tfrecord")
    model = start(ModelConfig("DSGMMModel", **flags), init_clusters_from=pattern)
    again = start(ModelConfig("DSGMMModel", **flags), init_clusters_from=pattern)
    for weight, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(weight, other)
    quantised, values = frames
    if batch_norm:
        moving = model.input_batch_norm
        np.testing.assert_allclose(moving.moving_mean, values.mean(axis=0), atol=0.1)
        values = values - np.asarray(moving.moving_mean)
        values = values / np.sqrt(np.asarray(moving.moving_variance) + moving.epsilon)
    received = assigned(model, quantised)
    for index, part in enumerate(PARTS.values()):
        means, seen = np.asarray(model.pooling[index].means), values[:, part]
        posteriors = received[index]
        counts = posteriors.sum(axis=0)
        assert counts.min() > 0.02 * len(seen)
        squares = np.square(seen[:, None] - means)  # (n, K, D)
        spread = squares.min(axis=1).sum() / squares[:, :1].sum()
        assert spread < 0.8
        if assignment != "decoupled":
            variances = np.exp(2 * np.asarray(model.pooling[index].assign.log_scales))
            found = np.einsum("nk,nkd->kd", posteriors, squares) / counts[:, None]
            ratio = variances.mean() / found.mean()
            assert 0.6 < ratio < 1.6


def test_posteriors_are_alike_at_deviation_1_and_not_from_data(start, records, frames):
    """How many clusters share a frame: for frames of length 1, σ = 1 tells none from another."""

    def clusters_per_frame(model):
        posteriors = assigned(model, frames[0])[0]
        entropies = -np.sum(posteriors * np.log(posteriors + 1e-30), axis=1)
        return np.exp(entropies).mean()

    flags = {"assignment": "shared_spherical", "input_batch_norm": False, **SIZES}
    wide = start(ModelConfig("DSGMMModel", initial_scale=1.0, **flags))
    pattern = str(records / "train*.tfrecord")
    fitted = start(ModelConfig("DSGMMModel", **flags), init_clusters_from=pattern)
    # x·μ and ½|μ|² deviate by about 0.28 and 0.25 among clusters for 8 features and means of
    # deviation 8^(-1/2), s² = 0.14 together, and 4 clusters then count as 4 exp(-s²/2) = 3.7.
    assert clusters_per_frame(wide) > 3.5
    assert clusters_per_frame(fitted) < 2


@pytest.mark.slow
def test_netvlad_learns_faster_from_data_than_from_a_random_start(config, change, records):
    """Frames of length 1 in clusters, and the default σ of the random start (docs/clusters.md)."""
    model_config = ModelConfig(
        "NetVLADModelLF",
        assignment="shared_spherical",
        input_batch_norm=False,
        num_clusters=6,
        hidden_size=16,
        iterations=5,
        gating=False,
        moe_prob_gating=False,
    )
    config = change(config, num_epochs=8, base_learning_rate=0.01, log_steps=24, seed=0)
    losses = []
    for init in ("", str(records / "train*.tfrecord")):
        run = change(config, train_dir=f"{config.train_dir}{len(losses)}", init_clusters_from=init)
        losses.append(train(run, DATA, model_config)["loss"])
    assert losses[1] < losses[0]


def test_a_given_initial_scale_is_kept(start, records):
    flags = {"assignment": "shared_spherical", "initial_scale": 0.7, **SIZES}
    pattern = str(records / "train*.tfrecord")
    model = start(ModelConfig("DSGMMModel", **flags), init_clusters_from=pattern)
    np.testing.assert_allclose(np.exp(model.pooling[0].assign.log_scales), 0.7, rtol=1e-6)


def test_without_flags_nothing_is_set(start):
    keras.utils.set_random_seed(1)
    fresh = create_model(ModelConfig("DSGMMModel", **SIZES), DATA)
    model = start(ModelConfig("DSGMMModel", **SIZES))
    for weight, expected in zip(model.weights, fresh.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_training_from_records(config, change, records):
    flags = {"init_clusters_from": str(records / "train*.tfrecord"), "max_steps": 2}
    model_config = ModelConfig("DSGMMModel", assignment="diagonal", **SIZES)
    assert train(change(config, **flags), DATA, model_config)["step"] == 2
    resumed = change(config, **{**flags, "init_clusters_from": "nowhere", "max_steps": 3})
    assert train(resumed, DATA, model_config)["step"] == 3


@pytest.mark.parametrize(
    ("model", "flags", "message"),
    [
        ({"pooling": "vlad"}, {}, "--pooling=vlad needs --ubm_dir"),
        ({"pooling": "sgmm"}, {"init_clusters_from": "x"}, "--pooling=sgmm needs --ubm_dir"),
        ({}, {"ubm_dir": "x"}, "--ubm_dir is for --pooling=vlad and sgmm"),
        ({"pooling": "dbof"}, {"init_clusters_from": "x"}, "clusters are trained; received it"),
        ({"pooling": "average"}, {"init_clusters_from": "x"}, "with --pooling=average"),
        ({}, {"init_clusters_from": "nowhere*"}, r"--init_clusters_from: no file matches"),
        ({"pooling": "vlad"}, {"ubm_dir": "nowhere"}, r"nowhere holds no ubm\.json"),
    ],
)
def test_flags_that_do_not_fit_are_refused(model, flags, message, start):
    with pytest.raises(ValueError, match=message):
        start(ModelConfig("DSGMMModel", **{**SIZES, **model}), **flags)


def test_vlad_takes_no_other_assignment():
    with pytest.raises(ValueError, match="--assignment must be decoupled with --pooling=vlad"):
        ModelConfig("DSGMMModel", pooling="vlad", assignment="diagonal").resolved()


def test_a_ubm_of_another_form_is_refused(make_ubm, start):
    ubm_dir = make_ubm()
    other = {"num_clusters": 5, "num_clusters_audio": 3, "per_feature_l2_norm": True}
    model_config = ModelConfig("DSGMMModel", pooling="vlad", **{**SIZES, **other})
    with pytest.raises(ValueError, match="holds a UBM of another form") as error:
        start(model_config, ubm_dir=ubm_dir)
    for line in (
        "--num_clusters: 4 there, 5 now",
        "--num_clusters_audio: 2 there, 3 now",
        "--per_feature_l2_norm: false there, true now",
    ):
        assert line in str(error.value)
    together = ModelConfig("DSGMMModel", pooling="sgmm", pool_per_feature=False, **SIZES)
    with pytest.raises(ValueError, match="--pool_per_feature: true there, false now"):
        start(together, ubm_dir=ubm_dir)


def test_features_of_another_ubm_are_refused(make_ubm, start, tmp_path):
    record = json.loads(Path(make_ubm(), "ubm.json").read_text())
    record["settings"] |= {"feature_names": ["rgb", "sound"], "feature_sizes": [8, 5]}
    (tmp_path / "ubm.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="sound") as error:
        start(ModelConfig("VLADModel", **SIZES), ubm_dir=str(tmp_path))
    assert "--feature_sizes: 8,5 there, 8,4 now" in str(error.value)


def test_more_clusters_than_frames_are_refused(start, records):
    model_config = ModelConfig("DSGMMModel", **{**SIZES, "num_clusters": 2000})
    with pytest.raises(ValueError, match=r"--num_clusters must be at most .* gave 1200"):
        start(model_config, init_clusters_from=str(records / "train*.tfrecord"))
