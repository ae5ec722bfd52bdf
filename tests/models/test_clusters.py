"""Flags of assignments and statistics reach the pooling layers."""

import keras
import numpy as np
import pytest

from yt8m_models.config import ModelConfig, model_flags, parse_model_flags
from yt8m_models.models import create_model


@pytest.fixture
def build(small_data):
    """`build(**flags)`: a small frame-level model, with features of 6 + 2."""

    def build_model(model="DSGMMModel", **flags):
        config = ModelConfig(model, num_clusters=4, hidden_size=3, **flags)
        return create_model(config, small_data(frame_features=True))

    return build_model


@pytest.mark.parametrize("pooling", ["netbow", "netvlad", "netrvlad", "netfv", "dsgmm"])
def test_assignment(pooling, build):
    model = build(pooling=pooling, assignment="shared_diagonal")
    assert [layer.assign.assignment for layer in model.pooling] == ["shared_diagonal"] * 2
    assert [tuple(layer.assign.log_scales.shape) for layer in model.pooling] == [(6,), (2,)]


def test_statistics_and_their_smoothing(build, tmp_path):
    model = build(
        statistics=("covariances", "weights"), gamma=2.0, gamma_weights=0.0, assignment="spherical"
    )
    layer = model.pooling[0]
    assert layer.statistics == ("covariances", "weights")
    assert (layer.gamma, layer.gamma_weights, layer.gamma_covariances) == (2.0, 0.0, 2.0)
    assert model.hidden.kernel.shape[0] == 4 * 6 + 4 + 2 * 2 + 2
    videos = {
        "video_matrix": np.random.default_rng(1).integers(0, 256, (2, 3, 8)).astype("uint8"),
        "num_frames": np.array([3, 0], "int32"),
    }
    expected = model(videos).numpy()
    assert np.isfinite(expected).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(videos).numpy(), expected)
    assert loaded.config == model.config


def test_full_covariances(build):
    """Matrices of 4 clusters of 6 features and of 2 of 2."""
    model = build(statistics=("covariances",), covariances="full")
    assert model.hidden.kernel.shape[0] == 4 * 6**2 + 2 * 2**2


def test_model_flags_hold_statistics(small_data):
    data = small_data(frame_features=True)
    for config in (
        ModelConfig("DSGMMModel"),
        ModelConfig("DSGMMModel", statistics=("weights", "means")),
    ):
        assert parse_model_flags(model_flags(config, data))[0] == config
        resolved = config.resolved()
        assert parse_model_flags(model_flags(resolved, data))[0].resolved() == resolved


def test_fisher_vector_flags(build):
    layer = build("NetFVModelLF", fv_couple_weights=True, fv_coupling_factor=0.2).pooling[0]
    assert (layer.couple_weights, layer.coupling_factor) == (True, 0.2)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, 1.0),  # batch normalisation makes each feature's deviation 1
        ({"batch_norm": False}, 8**-0.25),  # all 8 features together have length 1
        ({"input_batch_norm": False}, 8**-0.25),
        ({"batch_norm": False, "per_feature_l2_norm": True}, 6**-0.25),
        ({"batch_norm": False, "assignment": "decoupled"}, 8**-0.5),
        ({"initial_scale": 0.3}, 0.3),
    ],
)
def test_start_of_deviations(flags, expected, build):
    flags = {"assignment": "diagonal", "statistics": ("covariances",), **flags}
    layer = build(**flags).pooling[0]
    (log_scales,) = (w for w in layer.weights if w.name == "log_scales")
    np.testing.assert_allclose(np.exp(log_scales), expected, rtol=1e-6)


def test_refusals(build):
    with pytest.raises(ValueError, match="--statistics=median: did you mean means"):
        build(statistics=("median",))
    with pytest.raises(ValueError, match="couple_weights needs assignment='decoupled'"):
        build("NetFVModelLF", fv_couple_weights=True, assignment="diagonal")
