"""Tests of yt8m_models.gmm.clusters: layers start with the posteriors of a mixture."""

import keras
import numpy as np
import pytest

from yt8m_models.gmm.clusters import Clusters
from yt8m_models.gmm.ubm import UBM
from yt8m_models.layers import DSGMM, NetBoW, NetFV, NetRVLAD, NetVLAD

LAYERS = {
    "netvlad": NetVLAD,
    "dsgmm": DSGMM,
    "netrvlad": NetRVLAD,
    "netfv": NetFV,
    "netbow": NetBoW,
}
COUPLED = ["uniform_priors", "shared_spherical", "spherical", "shared_diagonal", "diagonal"]


def posteriors(frames, weights, means, variances):
    """Of a mixture with variances that broadcast to `(K, D)`, by the textbook formula."""
    variances = np.broadcast_to(variances, means.shape)
    squares = np.square(frames[:, None] - means) / variances
    logits = np.log(weights) - 0.5 * (squares + np.log(variances)).sum(axis=-1)
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


def assigned(layer, frames):
    return np.asarray(layer.assign(frames[None].astype("float32")))[0]


def ubm_of(rng, covariance_type, features=6):
    """4 clusters with unequal weights; K and D differ, and neighbours overlap."""
    factor = rng.normal(size=(features, features))
    covariance = factor @ factor.T + 0.5 * np.eye(features)
    if covariance_type != "tied":
        covariance = np.diagonal(covariance)
    if covariance_type == "spherical":
        covariance = np.mean(covariance)
    return UBM([0.1, 0.2, 0.3, 0.4], rng.normal(size=(4, features)), covariance)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_decoupled_layers_start_with_the_posteriors_of_a_ubm(name, covariance_type, rng):
    ubm = ubm_of(rng, covariance_type)
    frames = rng.normal(size=(50, 6))
    for batch_norm in (False, True):
        layer = LAYERS[name](4, batch_norm=batch_norm)
        layer.build((None, None, 6))
        Clusters.of_ubm(ubm).assign_to(layer)
        np.testing.assert_allclose(assigned(layer, frames), ubm.posteriors(frames), atol=1e-5)
        if name != "netbow" and name != "netrvlad":
            np.testing.assert_allclose(layer.means, ubm.means, rtol=1e-6)


@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_with_batch_norm_in_training_mode_too(covariance_type, rng):
    """On many frames drawn from the mixture, whose moments are then those of the batch."""
    ubm = ubm_of(rng, covariance_type)
    chosen = rng.choice(4, 20000, p=ubm.weights)
    covariance = ubm.covariance if covariance_type == "tied" else np.diag(ubm.variances)
    noise = rng.multivariate_normal(np.zeros(6), covariance, 20000)
    frames = (ubm.means[chosen] + noise).astype("float32")
    layer = NetVLAD(4)
    layer.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(layer)
    received = np.asarray(layer.assign(frames[None], training=True))[0]
    assert np.abs(received - ubm.posteriors(frames)).max() < 0.05


@pytest.mark.parametrize("assignment", COUPLED)
def test_coupled_layers_start_with_the_posteriors_of_a_ubm(assignment, rng):
    covariance_type = "diagonal" if "diagonal" in assignment else "spherical"
    ubm = ubm_of(rng, covariance_type)
    if assignment == "uniform_priors":
        ubm = UBM(np.full(4, 0.25), ubm.means, ubm.covariance)
    layer = DSGMM(4, assignment=assignment)
    layer.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(layer)
    frames = rng.normal(size=(50, 6))
    np.testing.assert_allclose(assigned(layer, frames), ubm.posteriors(frames), atol=1e-5)


@pytest.mark.parametrize("assignment", ["decoupled", *COUPLED])
def test_layers_start_with_the_posteriors_of_a_sample(assignment, rng, clustered):
    """K = D, so that shapes alone do not tell clusters from features."""
    frames = clustered(rng, 600, clusters=6, features=6)
    clusters = Clusters.of_sample(frames, 6, rng)
    layer = NetVLAD(6, assignment=assignment, batch_norm=False)
    layer.build((None, None, 6))
    clusters.assign_to(layer)
    weights, means, variances = clusters.ubm.weights, clusters.ubm.means, clusters.variances
    variances = {
        "decoupled": clusters.ubm.covariance,
        "uniform_priors": (weights @ variances).mean(),
        "shared_spherical": (weights @ variances).mean(),
        "spherical": variances.mean(axis=1, keepdims=True),
        "shared_diagonal": weights @ variances,
        "diagonal": variances,
    }[assignment]
    if assignment == "uniform_priors":
        weights = np.full(6, 1 / 6)
    expected = posteriors(frames, weights, means, variances)
    np.testing.assert_allclose(assigned(layer, frames), expected, atol=1e-4)


def test_variances_of_a_sample(rng):
    """Clusters far apart: those of their frames and of 10 more with the variances of all.

    The third feature does not vary within them; it has 1e-4 of the mean variance of all.
    """
    truth = np.repeat([0, 1], [300, 100])
    deviations = np.array([[1.0, 2.0, 0.0], [3.0, 0.5, 0.0]])
    frames = 100.0 * truth[:, None] + deviations[truth] * rng.normal(size=(400, 3))
    clusters = Clusters.of_sample(frames, 2, rng)
    order = np.argsort(clusters.ubm.means[:, 0])
    own = np.stack([frames[truth == k].var(axis=0) for k in (0, 1)])
    shared = 0.75 * own[0] + 0.25 * own[1]
    shared[2] = 1e-4 * shared.mean()
    counts = np.array([[300], [100]])
    expected = (counts * own + 10 * shared) / (counts + 10)
    np.testing.assert_allclose(clusters.variances[order], expected, rtol=1e-3)
    np.testing.assert_allclose(clusters.ubm.weights[order], [0.75, 0.25])
    np.testing.assert_allclose(clusters.ubm.covariance, shared.mean(), rtol=1e-3)
    np.testing.assert_allclose(clusters.frame_mean, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(clusters.frame_covariance, np.cov(frames.T, bias=True), rtol=1e-6)


def test_the_layers_own_weights(rng):
    ubm = ubm_of(rng, "diagonal")
    deviations = np.broadcast_to(np.sqrt(ubm.covariance), (4, 6))
    fisher = NetFV(4)
    fisher.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(fisher)
    np.testing.assert_allclose(np.square(fisher.covar_weights) + 1e-6, deviations, rtol=1e-5)
    smoothed = DSGMM(4, statistics=("weights", "means", "covariances"))
    smoothed.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(smoothed)
    np.testing.assert_allclose(np.exp(smoothed.log_scales), deviations, rtol=1e-5)
    priors = keras.ops.softmax(keras.ops.convert_to_tensor(smoothed.mixture_logits))
    np.testing.assert_allclose(priors, ubm.weights, rtol=1e-5)


@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_full_covariances_start_as_those_of_a_ubm(covariance_type, rng):
    """A cluster that no frame reaches is described by them: λ = 0 in equation 11."""
    ubm = ubm_of(rng, covariance_type)
    layer = DSGMM(
        *(4, 0.5),
        batch_norm=False,
        intra_norm=False,
        statistics=("covariances",),
        covariances="full",
    )
    layer.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(layer)
    frames, mask = np.zeros((1, 2, 6), "float32"), np.zeros((1, 2), bool)
    covariance = ubm.covariance if covariance_type == "tied" else np.diag(ubm.variances)
    found = np.asarray(layer(frames, mask=mask)).reshape(4, 6, 6)
    np.testing.assert_allclose(found, np.broadcast_to(covariance, (4, 6, 6)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("assignment", ["decoupled", "diagonal"])
def test_a_given_scale_replaces_that_of_the_data(assignment, rng):
    ubm = ubm_of(rng, "diagonal")
    layer = NetVLAD(4, assignment=assignment)
    layer.build((None, None, 6))
    Clusters.of_ubm(ubm).assign_to(layer, scale=1.5)
    frames = rng.normal(size=(50, 6))
    expected = posteriors(frames, ubm.weights, ubm.means, 1.5**2)
    np.testing.assert_allclose(assigned(layer, frames), expected, atol=1e-5)
