"""Tests of EM, k-means, the UBM and the reservoir, against scikit-learn and slow references."""

import numpy as np
import pytest

from yt8m_models.gmm.config import COVARIANCE_TYPES
from yt8m_models.gmm.em import ExpectationMaximization, floored, reseeded
from yt8m_models.gmm.kmeans import _without_empty, kmeans
from yt8m_models.gmm.moments import Moments
from yt8m_models.gmm.reservoir import Reservoir
from yt8m_models.gmm.ubm import UBM


def start_of(frames, covariance_type, clusters=5):
    """Means at the first frames, and the covariance of all frames."""
    covariance = np.cov(frames.T.astype(np.float64))
    if covariance_type != "tied":
        covariance = np.diagonal(covariance)
    if covariance_type == "spherical":
        covariance = np.mean(covariance)
    weights = np.arange(1, clusters + 1) / np.arange(1, clusters + 1).sum()
    return UBM(weights, frames[:clusters], covariance)


def em_of(frames, start, **kwargs):
    moments = Moments(frames[:100].mean(axis=0), full=start.covariance.ndim == 2)
    for block in np.array_split(frames, 3):
        moments.add(block)
    return ExpectationMaximization(start, moments, **kwargs)


def iterate(em, frames, iterations):
    for _ in range(iterations):
        for block in np.array_split(frames, 4):
            em.expect(block)
        em.maximize(frames[:500])
    return em


def slow_densities(frames, ubm):
    """`ln w_k N(x; μ_k, Σ)`, `(n, K)`, by the textbook formula in float64."""
    features = frames.shape[1]
    covariance = ubm.covariance
    if covariance.ndim < 2:
        covariance = np.diag(np.broadcast_to(covariance, features))
    inverse, (_, log_determinant) = np.linalg.inv(covariance), np.linalg.slogdet(covariance)
    residuals = frames[:, None].astype(np.float64) - ubm.means
    squares = np.einsum("nki,ij,nkj->nk", residuals, inverse, residuals)
    constant = features * np.log(2 * np.pi) + log_determinant
    return np.log(ubm.weights) - 0.5 * (squares + constant)


def slow_em(frames, ubm, iterations):
    """The mixture and the log-likelihoods, by an EM that computes every residual."""
    history = []
    for _ in range(iterations):
        densities = slow_densities(frames, ubm)
        log_sums = np.logaddexp.reduce(densities, axis=1)
        history.append(log_sums.mean())
        posteriors = np.exp(densities - log_sums[:, None])
        counts = posteriors.sum(axis=0)
        means = posteriors.T @ frames / counts[:, None]
        residuals = frames[:, None] - means
        if ubm.covariance.ndim == 2:
            covariance = np.einsum("nk,nki,nkj->ij", posteriors, residuals, residuals)
        else:
            covariance = np.einsum("nk,nki->i", posteriors, residuals**2)
            if ubm.covariance.ndim == 0:
                covariance = covariance.mean()
        ubm = UBM(counts / len(frames), means, covariance / len(frames))
    return ubm, history


@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_equals_a_slow_em(covariance_type, rng, clustered):
    frames = clustered(rng, 400)
    start = start_of(frames, covariance_type)
    em = iterate(em_of(frames, start, tolerance=0), frames, 12)
    ubm, history = slow_em(frames, start, 12)
    np.testing.assert_allclose(em.history, history, rtol=1e-6)
    np.testing.assert_allclose(em.ubm.weights, ubm.weights, rtol=1e-5)
    np.testing.assert_allclose(em.ubm.means, ubm.means, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(em.ubm.covariance, ubm.covariance, rtol=1e-5, atol=1e-5)
    assert COVARIANCE_TYPES[2 - em.ubm.covariance.ndim] == covariance_type


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_equals_scikit_learn(offset, rng, clustered):
    mixture = pytest.importorskip("sklearn.mixture", reason="scikit-learn is not installed")
    frames = clustered(rng, 3000, clusters=8, features=12) + np.float32(offset)
    start = start_of(frames, "tied", clusters=8)
    expected = mixture.GaussianMixture(
        8,
        covariance_type="tied",
        tol=0,
        reg_covar=0,
        max_iter=30,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariance),
    )
    with pytest.warns(UserWarning, match="did not converge"):
        expected.fit(frames.astype(np.float64))
    em = iterate(em_of(frames, start, tolerance=0), frames, 30)
    np.testing.assert_allclose(em.ubm.means, expected.means_, atol=1e-4)
    np.testing.assert_allclose(em.ubm.weights, expected.weights_, atol=1e-4)
    np.testing.assert_allclose(em.ubm.covariance, expected.covariances_, atol=1e-4)
    np.testing.assert_allclose(em.history, expected.lower_bounds_, atol=1e-4)
    np.testing.assert_allclose(em.ubm.posteriors(frames), expected.predict_proba(frames), atol=1e-4)
    np.testing.assert_allclose(
        em.ubm.log_density(frames), expected.score_samples(frames), atol=1e-3
    )


@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_the_log_likelihood_never_falls_to_the_last_digit(covariance_type, rng, clustered):
    """Long after convergence, and with a floor that the covariance reaches."""
    frames = clustered(rng, 300, clusters=3)
    frames[:, 5] = frames[:, 4]
    start = start_of(frames, covariance_type)
    start = UBM(start.weights, start.means, floored(start.covariance, 0.5))
    em = iterate(em_of(frames, start, tolerance=0, covariance_floor=0.5), frames, 150)
    assert (np.diff(em.history) >= 0).all()
    if covariance_type == "tied":
        assert np.linalg.eigvalsh(em.ubm.covariance).min() == pytest.approx(0.5)
    np.testing.assert_array_equal(floored(np.array([0.1, 1.0]), 0.5), [0.5, 1.0])


def test_converges_by_tolerance_and_says_so(rng, clustered):
    frames = clustered(rng, 400)
    em = em_of(frames, start_of(frames, "tied"), tolerance=1e-3)
    while not em.converged:
        iterate(em, frames, 1)
    gains = np.diff(em.history)
    assert gains[-1] < 1e-3
    assert (gains[:-1] >= 1e-3).all()


def test_a_fall_by_rounding_ends_it_for_good(rng, clustered):
    frames = clustered(rng, 400)
    em = iterate(em_of(frames, start_of(frames, "tied")), frames, 3)
    previous = em._previous
    em.history[-1] += 1
    iterate(em, frames, 1)
    assert em.converged
    assert em.result is previous
    assert ExpectationMaximization.from_state(em.state(), em.moments, 1e-6, 0.0).converged


@pytest.mark.parametrize(
    ("num_far", "may_reseed", "expected"), [(0, True, True), (0, False, False), (1, True, False)]
)
def test_a_cluster_without_a_frame_is_reseeded(num_far, may_reseed, expected, rng, clustered):
    frames = clustered(rng, 400, clusters=2)
    frames[:num_far] = 1e3
    means = [frames[1], frames[2], np.full(6, 1e3)]
    em = em_of(frames, UBM([0.4, 0.4, 0.2], means, np.cov(frames[1:].T)))
    em.expect(frames)
    em.maximize(frames[1:], may_reseed)
    assert (em.safe is not None) == expected
    np.testing.assert_allclose(em.result.means[2], 1e3, rtol=1e-5)  # without a frame, as before


@pytest.mark.parametrize(
    ("empty", "sample", "means", "weights"),
    [
        ([2], [0.0, 20.0, 8.5, 4.0], [0, 8, 20], [5 / 9, 3 / 9, 1 / 9]),
        ([1, 2], [0.0, 20.0, 8.5, 4.0], [0, 20, 4], [5 / 7, 1 / 7, 1 / 7]),
        ([1, 2], [20.0], [0, 20, 50], [5 / 8, 1 / 8, 2 / 8]),
    ],
)
def test_reseeded_by_hand(empty, sample, means, weights):
    """σ = 1 around 0, 8 and 50: 20 is least likely, then 4. One frame of ten has weight 1/10."""
    ubm = UBM([0.5, 0.3, 0.2], [[0], [8], [50]], 1.0)
    found = reseeded(ubm, np.array(empty), np.array(sample)[:, None], num_frames=10)
    np.testing.assert_array_equal(found.means[:, 0], means)
    np.testing.assert_allclose(found.weights, weights)
    assert found.covariance == 1


def test_empty_clusters_are_reseeded(rng, clustered):
    """Two starts are far from all frames; at the end every cluster has frames."""
    frames = clustered(rng, 2000)
    start = start_of(frames, "spherical")
    means = start.means.copy()
    means[3:] = 1e3
    start = UBM(start.weights, means, start.covariance)
    em = iterate(em_of(frames, start, tolerance=0), frames, 40)
    counts = em.result.posteriors(frames).sum(axis=0)
    assert counts.min() > 1
    assert (np.diff(em.history) >= 0).all()


def test_reseeding_that_does_no_good_ends(rng, clustered):
    """A cluster at a frame that the mixture explains well costs weight and gains nothing."""
    frames = clustered(rng, 2000, clusters=2)
    start = start_of(frames, "tied", clusters=3)
    means = start.means.copy()
    means[2] = 1e3
    em = em_of(frames, UBM(start.weights, means, start.covariance), tolerance=0)
    poor_sample = frames.mean(axis=0, keepdims=True)  # no other frame to choose
    for _ in range(60):
        em.expect(frames)
        em.maximize(poor_sample)
    assert not em.reseeds
    assert (np.diff(em.history) >= 0).all()
    assert np.isfinite(em.result.log_density(frames)).all()


def test_a_cluster_that_is_empty_again_is_not_reseeded_again(rng, clustered):
    """At the mean of one that shrinks it gets less than the frame that its weight is of."""
    frames = clustered(rng, 400, clusters=2)
    start = start_of(frames, "tied", clusters=2)
    weights = np.append(start.weights * (1 - 1e-12), 1e-12)
    start = UBM(weights, np.vstack([start.means, [[1e3] * 6]]), start.covariance)
    twin = em_of(frames, start)
    mixtures = []
    for _ in range(2):
        twin.expect(frames)
        twin.maximize(frames, may_reseed=False)
        mixtures.append(twin.ubm)
    shrinking = np.argmin((mixtures[1].weights - mixtures[0].weights)[:2])
    em = em_of(frames, start)
    for is_on_trial in (True, False):
        em.expect(frames)
        em.maximize(mixtures[0].means[[shrinking]])
        assert (em.safe is not None) == is_on_trial
    assert not em.reseeds
    assert len(em.history) == 2


def test_reseeding_that_lowers_the_likelihood_is_taken_back(rng, clustered):
    """Two clusters have converged; a third one amid them costs the weight of a frame."""
    frames = clustered(rng, 2000, clusters=2)
    two = iterate(em_of(frames, start_of(frames, "tied", clusters=2), tolerance=0), frames, 40).ubm
    weights = np.append(two.weights * (1 - 1e-12), 1e-12)
    em = em_of(frames, UBM(weights, np.vstack([two.means, [[1e3] * 6]]), two.covariance))
    middle = frames.mean(axis=0, keepdims=True)
    em.expect(frames)
    em.maximize(middle)
    safe = em.safe
    em.expect(frames)
    em.maximize(middle)
    assert safe is not None
    assert em.ubm is safe
    assert not em.reseeds
    assert len(em.history) == 1


def test_state_goes_on_as_if_nothing_had_happened(rng, clustered):
    frames = clustered(rng, 400)
    start = start_of(frames, "tied")
    means = start.means.copy()
    means[4] = 1e3  # so that the state holds a mixture on trial
    start = UBM(start.weights, means, start.covariance)
    straight = iterate(em_of(frames, start, tolerance=0), frames, 9)
    resumed = em_of(frames, start, tolerance=0)
    for _ in range(9):
        resumed = iterate(resumed, frames, 1)
        state = resumed.state()
        resumed = ExpectationMaximization.from_state(state, resumed.moments, 1e-6, 0.0)
    assert resumed.history == straight.history
    np.testing.assert_array_equal(resumed.result.means, straight.result.means)


def test_assignment_is_that_of_equations_20_and_21():
    # Σ = [[2, 1], [1, 2]], Σ⁻¹ = [[2, -1], [-1, 2]] / 3, μ = (3, 0): u = (2, -1), μᵀΣ⁻¹μ = 6.
    ubm = UBM([0.25, 0.75], [[3, 0], [0, 0]], [[2, 1], [1, 2]])
    u, b = ubm.assignment()
    np.testing.assert_allclose(u, [[2, -1], [0, 0]], atol=1e-12)
    np.testing.assert_allclose(b, [np.log(0.25) - 3, np.log(0.75)])
    # At (1, 1): logits ln 1/4 - 2 and ln 3/4, so odds 1 : 3e².
    odds = 3 * np.exp(2)
    np.testing.assert_allclose(
        ubm.posteriors(np.ones((1, 2))), [[1 / (1 + odds), odds / (1 + odds)]]
    )


@pytest.mark.parametrize("covariance_type", ["tied", "diagonal", "spherical"])
def test_densities_and_posteriors(covariance_type, rng, clustered):
    frames = clustered(rng, 50)
    ubm = start_of(frames, covariance_type)
    densities = slow_densities(frames, ubm)
    expected = np.logaddexp.reduce(densities, axis=1)
    np.testing.assert_allclose(ubm.log_density(frames), expected)
    np.testing.assert_allclose(ubm.posteriors(frames), np.exp(densities - expected[:, None]))


def test_moments_of_the_mixture_are_those_of_the_frames_after_an_iteration(rng, clustered):
    frames = clustered(rng, 400)
    ubm = iterate(em_of(frames, start_of(frames, "diagonal")), frames, 1).ubm
    mean, variances = ubm.mixture_moments()
    np.testing.assert_allclose(mean, frames.mean(axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(variances, frames.var(axis=0), rtol=1e-5)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"weights must have shape \(2,\)"):
        UBM(np.ones(3) / 3, np.zeros((2, 4)), np.ones(4))
    for shape in ((4, 3), (3,), (4, 4, 4)):
        with pytest.raises(ValueError, match=r"must have shape \(4, 4\), \(4,\) or \(\)"):
            UBM(np.ones(2) / 2, np.zeros((2, 4)), np.ones(shape))


@pytest.mark.parametrize(("iterations", "scale"), [(0, 1), (0, 1e-4), (10, 1)])
def test_kmeans_finds_clusters_far_apart(iterations, scale, rng, monkeypatch):
    """Also by the start alone, and where distances are those of several blocks."""
    monkeypatch.setattr("yt8m_models.gmm.kmeans._BLOCK", 250)
    centers = 20 * np.eye(6, 8)
    truth = rng.integers(6, size=600)
    frames = scale * (centers[truth] + rng.normal(size=(600, 8)) + 100)
    means, labels = kmeans(frames, 6, rng, iterations)
    for cluster in range(6):
        of_one = frames[labels == cluster]
        np.testing.assert_allclose(means[cluster], of_one.mean(axis=0), rtol=1e-4)
        assert len(set(truth[labels == cluster])) == 1


def test_kmeans_gives_every_cluster_a_frame(rng):
    """Also where frames are equal; and the same seed gives the same clusters."""
    frames = np.repeat(rng.normal(size=(3, 4)), 10, axis=0)
    means, labels = kmeans(frames, 6, np.random.default_rng(1))
    assert set(labels) == set(range(6))
    again, _ = kmeans(frames, 6, np.random.default_rng(1))
    np.testing.assert_array_equal(means, again)
    with pytest.raises(ValueError, match="at most the number of frames, 30; received 31"):
        kmeans(frames, 31, rng)


def test_an_empty_cluster_takes_the_farthest_frame_of_those_with_others():
    labels, distances = np.array([0, 0, 0, 3, 4, 4]), np.array([1.0, 5, 3, 9, 4, 4])
    # Frame 3 is alone in its cluster; after frame 1, frame 4 leaves frame 5 alone.
    np.testing.assert_array_equal(_without_empty(labels, distances, 5), [0, 1, 0, 3, 2, 4])


def test_reservoir_draws_uniformly_without_replacement():
    drawn = np.zeros(40, int)
    for seed in range(400):
        reservoir = Reservoir(10, np.random.default_rng(seed))
        for block in np.split(np.arange(40)[:, None], [3, 20, 21]):
            reservoir.add(block)
        rows = reservoir.rows()[:, 0]
        assert len(set(rows)) == 10
        drawn[rows] += 1
    # Each row is drawn 100 times of 400 on average, with deviation sqrt(400 · ¼ · ¾) = 8.7.
    assert abs(drawn - 100).max() < 5 * 8.7


@pytest.mark.parametrize("count", [4, 10])
def test_reservoir_keeps_all_of_a_few(count):
    few = Reservoir(10, np.random.default_rng(0))
    with pytest.raises(ValueError, match="the stream must have rows; received none"):
        few.rows()
    rows = np.arange(count * 2.0).reshape(count, 2)
    few.add(rows)
    np.testing.assert_array_equal(few.rows(), rows)
