"""Every layer with clusters equals a slow NumPy reference, by every assignment."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import DSGMM, VLAGD, NetBoW, NetFV, NetRVLAD, NetVLAD

ASSIGNMENTS = (
    "decoupled",
    "uniform_priors",
    "shared_spherical",
    "spherical",
    "shared_diagonal",
    "diagonal",
)
CLUSTERS, FEATURES = 4, 3


def normalized(vector):
    return vector / np.sqrt(max((vector**2).sum(), 1e-12))


class SlowPooling:
    """The statistics of each video and cluster, frame by frame, from a layer's weights."""

    def __init__(self, layer, frames, num_frames):
        self.weights = {w.name: ops.convert_to_numpy(w).astype("float64") for w in layer.weights}
        self.means = self.weights.get("means")
        self.coupled = layer.assignment != "decoupled"
        self.videos = [
            [(x, self.posteriors(x)) for x in video[:count].astype("float64")]
            for video, count in zip(frames, num_frames, strict=True)
        ]

    def posteriors(self, x):
        if self.coupled:
            deviations = self.deviations()
            standard = (x - self.means) / deviations
            exponents = -(standard**2 / 2 + np.log(deviations)).sum(-1)
            exponents += self.weights.get("mixture_logits", 0.0)
        else:
            exponents = x @ self.weights["assignment_kernel"] + self.weights["assignment_bias"]
        densities = np.exp(exponents - exponents.max())
        return densities / densities.sum()

    def deviations(self):
        log_scales = self.weights["log_scales"]
        if log_scales.shape == (CLUSTERS,):
            log_scales = log_scales[:, None]
        return np.exp(np.broadcast_to(log_scales, (CLUSTERS, FEATURES)))

    def priors(self):
        logits = self.weights.get("mixture_logits", np.zeros(CLUSTERS))
        return np.exp(logits) / np.exp(logits).sum()

    def count(self, video, k):
        return sum((p[k] for _, p in video), 0.0)

    def covariance(self, k):
        """The UBM's Σ_k."""
        if "covariance_roots" in self.weights:
            root = self.weights["covariance_roots"][k]
            return root @ root.T
        return np.diag(self.deviations()[k] ** 2)

    def total(self, video, k, value=lambda x: x):
        return sum((p[k] * value(x) for x, p in video), np.zeros_like(value(np.zeros(FEATURES))))

    def rows(self, describe):
        """`describe(video, k)` for every video and cluster."""
        return np.array([[describe(video, k) for k in range(CLUSTERS)] for video in self.videos])


@pytest.fixture
def case(rng, assign):
    """`case(layer)`: random weights; frames, a mask that leaves no frame of the last video."""

    def prepare(layer):
        frames = rng.normal(size=(3, 6, FEATURES)).astype("float32")
        num_frames = np.array([6, 1, 0])
        layer.build(frames.shape)
        assign(layer, **{w.name: 0.5 * rng.normal(size=w.shape) for w in layer.weights})
        mask = np.arange(6) < num_frames[:, None]
        return SlowPooling(layer, frames, num_frames), layer(frames, mask=mask)

    return prepare


def finish(rows, intra_norm, final_norm):
    """Normalises `(batch, K, D)` by cluster and as a whole, and flattens it."""
    if intra_norm:
        rows = np.array([[normalized(row) for row in video] for video in rows])
    flat = rows.reshape(len(rows), -1)
    return np.array([normalized(vector) for vector in flat]) if final_norm else flat


@pytest.mark.parametrize(("intra_norm", "final_norm"), [(True, True), (False, False)])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("kind", [NetVLAD, NetRVLAD, VLAGD, DSGMM])
def test_one_description_a_cluster(kind, assignment, intra_norm, final_norm, case, to_numpy):
    layer = kind(
        CLUSTERS,
        assignment=assignment,
        intra_norm=intra_norm,
        final_norm=final_norm,
        batch_norm=False,
    )
    slow, output = case(layer)
    describe = {
        NetVLAD: lambda video, k: slow.total(video, k, lambda x: x - slow.means[k]),
        NetRVLAD: slow.total,
        VLAGD: lambda video, k: (
            slow.total(video, k) / (1 + np.exp(-slow.weights["gate_weights"][k]))
        ),
        DSGMM: lambda video, k: (
            (slow.total(video, k) + 0.125 * slow.means[k]) / (slow.count(video, k) + 0.125)
        ),
    }
    expected = finish(slow.rows(describe[kind]), intra_norm, final_norm)
    np.testing.assert_allclose(to_numpy(output), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("final_norm", [True, False])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_netbow(assignment, final_norm, case, to_numpy):
    slow, output = case(NetBoW(CLUSTERS, assignment, final_norm=final_norm, batch_norm=False))
    expected = finish(slow.rows(slow.count), False, final_norm)
    np.testing.assert_allclose(to_numpy(output), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("intra_norm", "final_norm"), [(True, True), (False, False)])
@pytest.mark.parametrize("assignment", [*ASSIGNMENTS, "couple_weights"])
def test_netfv(assignment, intra_norm, final_norm, case, to_numpy):
    couple_weights = assignment == "couple_weights"
    layer = NetFV(
        CLUSTERS,
        assignment="decoupled" if couple_weights else assignment,
        intra_norm=intra_norm,
        final_norm=final_norm,
        batch_norm=False,
        couple_weights=couple_weights,
        coupling_factor=0.4,
    )
    slow, output = case(layer)
    means = 0.4 * slow.weights["assignment_kernel"].T if couple_weights else slow.means
    deviations = slow.deviations() if slow.coupled else slow.weights["covar_weights"] ** 2 + 1e-6

    def first(video, k):
        return slow.total(video, k, lambda x: (x - means[k]) / deviations[k])

    def second(video, k):
        return slow.total(video, k, lambda x: ((x - means[k]) / deviations[k]) ** 2 - 1)

    halves = [
        finish(slow.rows(first), intra_norm, final_norm),
        finish(slow.rows(second), False, final_norm),
    ]
    expected = np.concatenate(halves, axis=-1)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(to_numpy(output), expected, rtol=1e-4, atol=1e-5 * largest)


def smoothed(layer, slow, name):
    """Equations 3 to 12 as they are written: `λ` times the video's own, `1 - λ` times the UBM's.

    Covariances are matrices; of diagonal ones the diagonals are taken at the end.
    """

    def weight(video, k, of):
        specific = getattr(layer, f"gamma_{of}")
        count = slow.count(video, k)
        return count / (count + (layer.gamma if specific is None else specific)) if video else 0.0

    def own(video, k, value=lambda x: x):
        return slow.total(video, k, value) / slow.count(video, k) if video else 0.0

    def weights(video, k):
        share, of_video = slow.count(video, k) / max(len(video), 1), weight(video, k, "weights")
        return of_video * share + (1 - of_video) * slow.priors()[k]

    def means(video, k):
        of_video = weight(video, k, "means")
        return of_video * own(video, k) + (1 - of_video) * slow.means[k]

    def covariances(video, k):
        of_video, mean = weight(video, k, "covariances"), means(video, k)
        background = np.outer(slow.means[k], slow.means[k]) + slow.covariance(k)
        second = of_video * own(video, k, lambda x: np.outer(x, x)) + (1 - of_video) * background
        matrix = second - np.outer(mean, mean)
        return matrix.ravel() if layer.covariances == "full" else np.diagonal(matrix)

    return slow.rows({"weights": weights, "means": means, "covariances": covariances}[name])


@pytest.mark.parametrize(
    "gammas",
    [
        {"gamma": 0.0},
        {"gamma": 0.125},
        {"gamma": 3.0, "gamma_weights": 0.5},
        {"gamma_means": 0.0, "gamma_covariances": 20.0},
    ],
)
@pytest.mark.parametrize(
    "statistics", [("weights",), ("covariances", "weights"), ("weights", "means", "covariances")]
)
@pytest.mark.parametrize("covariances", ["diagonal", "full"])
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_smoothed_statistics(assignment, covariances, statistics, gammas, case, to_numpy):
    layer = DSGMM(
        CLUSTERS,
        assignment=assignment,
        intra_norm=False,
        batch_norm=False,
        statistics=statistics,
        covariances=covariances,
        **gammas,
    )
    slow, output = case(layer)
    parts = [smoothed(layer, slow, name).reshape(3, -1) for name in statistics]
    expected = np.concatenate(parts, axis=-1)
    np.testing.assert_allclose(to_numpy(output), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("covariances", ["diagonal", "full"])
def test_statistics_are_normalised_by_cluster_and_as_a_whole(covariances, case, to_numpy):
    layer = DSGMM(
        CLUSTERS,
        0.5,
        final_norm=True,
        batch_norm=False,
        statistics=("covariances", "weights", "means"),
        covariances=covariances,
    )
    slow, output = case(layer)
    parts = [
        finish(smoothed(layer, slow, "covariances"), True, False),
        smoothed(layer, slow, "weights"),
        finish(smoothed(layer, slow, "means"), True, False),
    ]
    expected = [normalized(vector) for vector in np.concatenate(parts, axis=-1)]
    np.testing.assert_allclose(to_numpy(output), expected, rtol=1e-4, atol=1e-6)


ALL_STATISTICS = ("weights", "means", "covariances")


def split_statistics(pooled):
    """`(batch, K + 2 K D)` to weights, means and covariances."""
    weights, means, covariances = np.split(pooled, [CLUSTERS, CLUSTERS * (1 + FEATURES)], axis=-1)
    shape = (-1, CLUSTERS, FEATURES)
    return weights, means.reshape(shape), covariances.reshape(shape)


@pytest.mark.parametrize("assignment", ["decoupled", "spherical", "diagonal"])
@pytest.mark.parametrize("gamma", [0.0, 0.125, 1e9])
def test_limits(assignment, gamma, case, to_numpy):
    """The videos have 6 frames, one frame and none.

    One frame x with γ = 0: the mean is x and the covariance 0, whatever the posteriors; no frame,
    or a γ far above all counts: the UBM.
    """
    layer = DSGMM(
        CLUSTERS, gamma, assignment, intra_norm=False, batch_norm=False, statistics=ALL_STATISTICS
    )
    slow, output = case(layer)
    found = split_statistics(to_numpy(output))
    background = (slow.priors(), slow.means, slow.deviations() ** 2)
    for statistic, expected in zip(found, background, strict=True):
        np.testing.assert_allclose(statistic[2], expected, rtol=1e-5)
        if gamma == 1e9:
            np.testing.assert_allclose(statistic[:2], np.stack([expected] * 2), rtol=1e-5)
    if gamma == 0:
        ((frame, posteriors),) = slow.videos[1]
        weights, means, covariances = (statistic[1] for statistic in found)
        np.testing.assert_allclose(weights, posteriors, rtol=1e-4)
        np.testing.assert_allclose(means, np.stack([frame] * CLUSTERS), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(covariances, 0.0, atol=1e-5)
    for name, statistic in zip(ALL_STATISTICS, found, strict=True):
        expected = smoothed(layer, slow, name)
        np.testing.assert_allclose(statistic, expected, rtol=1e-4, atol=1e-5)
    assert (found[2] >= 0).all()


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_a_cluster_that_no_frame_reaches(gamma, assign, to_numpy, gradients):
    """All frames are at the first of two clusters, 1000 deviations from the second: P is 1 and 0.

    The first has 3 frames x = ±1, 0: mean 0, second moment 2/3. With γ = 1/2 and UBM mean 0 and
    covariance 1: mean 0, covariance (2 + 1/2) / 3.5; weight (3 · 1 + 1/2 · 1/2) / 3.5.
    """
    layer = DSGMM(2, gamma, "shared_spherical", intra_norm=False, statistics=ALL_STATISTICS)
    layer.build((None, None, 1))
    assign(layer, means=[[0.0], [1000.0]], mixture_logits=[0.0, 0.0], log_scales=0.0)
    frames = np.array([[[1.0], [-1.0], [0.0]]], "float32")
    expected = {
        0.0: [[1.0, 0.5], [0.0, 1000.0], [2 / 3, 1.0]],
        0.5: [[3.25 / 3.5, 0.5], [0.0, 1000.0], [2.5 / 3.5, 1.0]],
    }
    np.testing.assert_allclose(
        to_numpy(layer(frames))[0], np.concatenate(expected[gamma]), rtol=1e-6, atol=1e-6
    )
    for gradient in gradients(layer, lambda: ops.sum(layer(frames))):
        assert np.isfinite(gradient).all()


def test_a_full_covariance_by_hand(assign, to_numpy):
    """Frames (1, 0) and (1, 2), one cluster at 0 with Σ = I.

    γ = 2 for means: μ = (2, 2)/4 = (1/2, 1/2). γ = 0 for covariances: Σ_t x xᵀ / 2 = [1 1; 1 2],
    less μ μᵀ: [3/4 3/4; 3/4 7/4].
    """
    gammas = {"gamma_means": 2.0, "gamma_covariances": 0.0}
    options = {"intra_norm": False, "statistics": ("covariances",), **gammas}
    layer = DSGMM(1, assignment="diagonal", covariances="full", **options)
    layer.build((None, None, 2))
    assign(layer, means=[[0.0, 0.0]], mixture_logits=[0.0], log_scales=[[0.0, 0.0]])
    frames = np.array([[[1.0, 0.0], [1.0, 2.0]]], "float32")
    np.testing.assert_allclose(to_numpy(layer(frames)), [[0.75, 0.75, 0.75, 1.75]], rtol=1e-6)
    assert layer.compute_output_shape((None, None, 2)) == (None, 4)


def test_a_covariance_of_two_gammas_may_be_negative(assign, to_numpy):
    """One frame 1, cluster at 0 with σ = 1; γ = 0 for the mean, 1 for the variance: 2/2 - 1² = 0.

    With γ = 9 it is (1 + 9 · ¼) / 10 - 1 = -0.675 for σ = ½, which equation 11 is too.
    """
    options = {"intra_norm": False, "statistics": ("covariances",), "gamma_means": 0.0}
    for gamma, scale, expected in ((1.0, 1.0, 0.0), (9.0, 0.5, -0.675)):
        layer = DSGMM(1, assignment="diagonal", gamma_covariances=gamma, **options)
        layer.build((None, None, 1))
        assign(layer, means=[[0.0]], mixture_logits=[0.0], log_scales=[[np.log(scale)]])
        output = to_numpy(layer(np.ones((1, 1, 1), "float32")))
        np.testing.assert_allclose(output, [[expected]], rtol=1e-5, atol=1e-6)


def test_full_covariances_of_wide_frames_are_refused():
    layer = DSGMM(256, statistics=("covariances",), covariances="full")
    layer.build((None, None, 64))
    wide = DSGMM(256, statistics=("means", "covariances"), covariances="full")
    message = (
        r"at most 1,048,576 numbers of a video; 256 clusters of 1024 features have 268,435,456"
    )
    with pytest.raises(ValueError, match=message):
        wide.build((None, None, 1024))
    DSGMM(256, covariances="full").build((None, None, 1024))  # of the means alone


def test_small_covariances_survive_large_means(assign, to_numpy):
    """σ = 0.001 around μ = 30: `σ² + μ² - μ²` would leave nothing of 10⁻⁶ in float32."""
    layer = DSGMM(2, 1e6, "diagonal", intra_norm=False, statistics=("covariances",))
    layer.build((None, None, 1))
    assign(layer, means=[[30.0]] * 2, mixture_logits=[0.0, 0.0], log_scales=[[np.log(1e-3)]] * 2)
    frames = np.full((1, 4, 1), 30.0, "float32")
    np.testing.assert_allclose(to_numpy(layer(frames)), [[1e-6, 1e-6]], rtol=1e-3)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: NetVLAD(3), {"means", "assignment_kernel"}),
        (lambda: NetBoW(3), {"assignment_kernel"}),
        (lambda: NetRVLAD(3), {"assignment_kernel"}),
        (lambda: VLAGD(3), {"gate_weights", "assignment_kernel"}),
        (lambda: NetFV(3), {"means", "covar_weights", "assignment_kernel"}),
        (lambda: NetFV(3, couple_weights=True), {"covar_weights", "assignment_kernel"}),
        (lambda: NetFV(3, "diagonal"), {"means", "log_scales", "mixture_logits"}),
        (lambda: NetBoW(3, "uniform_priors"), {"means", "log_scales"}),
        (lambda: DSGMM(3), {"means", "assignment_kernel"}),
        (lambda: DSGMM(3, statistics=("weights",)), {"mixture_logits", "assignment_kernel"}),
        (
            lambda: DSGMM(3, statistics=("covariances",)),
            {"means", "log_scales", "assignment_kernel"},
        ),
        (
            lambda: DSGMM(3, statistics=("covariances",), covariances="full"),
            {"means", "covariance_roots", "assignment_kernel"},
        ),
        (
            lambda: DSGMM(3, assignment="spherical", statistics=ALL_STATISTICS),
            {"means", "log_scales", "mixture_logits"},
        ),
    ],
)
def test_weights_that_are_there(build, names):
    layer = build()
    layer.build((None, None, 2))
    assert {w.name for w in layer.trainable_weights} - {"gamma", "beta"} == names
    assert len({id(w) for w in layer.weights}) == len(layer.weights)


@pytest.mark.parametrize(
    ("assignment", "batch_norm", "initial_scale", "expected"),
    [
        ("diagonal", True, None, 1.0),
        ("diagonal", False, None, 16**-0.25),
        ("decoupled", True, None, 1.0),
        ("decoupled", False, None, 16**-0.5),
        ("spherical", True, 0.3, 0.3),
        ("decoupled", False, 0.3, 0.3),
    ],
)
def test_start_of_deviations(assignment, batch_norm, initial_scale, expected):
    layer = DSGMM(
        2,
        assignment=assignment,
        batch_norm=batch_norm,
        initial_scale=initial_scale,
        statistics=("covariances",),
    )
    layer.build((None, None, 16))
    (log_scales,) = (w for w in layer.weights if w.name == "log_scales")
    np.testing.assert_allclose(np.exp(ops.convert_to_numpy(log_scales)), expected, rtol=1e-6)


def test_statistics_are_float32_in_mixed_precision(rng, assign, to_numpy):
    """8,192 frames of two clusters, half each: float16 would stop counting at 2,048."""
    layer = NetBoW(2, "diagonal", final_norm=False, dtype="mixed_float16")
    frames = rng.normal(size=(1, 8192, 2)).astype("float16")
    layer.build(frames.shape)
    assign(layer, means=np.zeros((2, 2)))
    np.testing.assert_allclose(to_numpy(layer(frames)), [[4096.0, 4096.0]])
    layer = DSGMM(2, 0.0, "diagonal", intra_norm=False, dtype="mixed_bfloat16")
    layer.build(frames.shape)
    assign(layer, means=np.zeros((2, 2)))
    output = layer(frames + 3)
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    expected = np.tile((frames[0].astype("float64") + 3).mean(0), 2)
    np.testing.assert_allclose(to_numpy(output)[0], expected, rtol=0.01)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("num_frames", [3, 5], ids=["norms first", "norms last"])
@pytest.mark.parametrize(("intra_norm", "final_norm"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize(("assignment", "gamma"), [("decoupled", 0.5), ("diagonal", 0.0)])
def test_smoothed_means_in_half_precision(
    assignment, gamma, intra_norm, final_norm, num_frames, policy, rng, to_numpy, gradients
):
    """As in float32 but for rounding, with norms from the frames' products or from the means."""
    frames = rng.integers(-8, 9, (4, num_frames, FEATURES)) / 4
    mask = np.arange(num_frames) < np.array([num_frames, 2, 1, 0])[:, None]
    exact, half = (
        DSGMM(CLUSTERS, gamma, assignment, intra_norm, final_norm, batch_norm=False, dtype=dtype)
        for dtype in ("float32", policy)
    )
    for layer in (exact, half):
        layer.build(frames.shape)
    for weight, other in zip(exact.weights, half.weights, strict=True):
        weight.assign(rng.integers(-4, 5, weight.shape) / 4)
        other.assign(weight)
    shares = ops.convert_to_tensor(rng.normal(size=(CLUSTERS * FEATURES,)).astype("float32"))

    def loss(layer):
        return ops.sum(ops.cast(layer(frames.astype("float32"), mask=mask), "float32") * shares)

    expected = to_numpy(exact(frames.astype("float32"), mask=mask))
    found = half(frames.astype("float32"), mask=mask)
    assert keras.backend.standardize_dtype(found.dtype) == half.compute_dtype
    np.testing.assert_allclose(to_numpy(found), expected, atol=0.02)
    pairs = zip(
        gradients(exact, lambda: loss(exact)), gradients(half, lambda: loss(half)), strict=True
    )
    for right, rounded in pairs:
        np.testing.assert_allclose(rounded, right, atol=0.02 * np.abs(right).max() + 1e-6)


PLAIN = {"intra_norm": False, "final_norm": False, "dtype": "mixed_bfloat16"}
WIDTH = (1 + 2**-10) ** 2 + 1e-6


@pytest.mark.parametrize(
    ("layer", "frame", "weights", "expected"),
    [
        (NetVLAD(1, **PLAIN), 100.0, {"means": [[100.25]]}, [-0.25]),
        (VLAGD(1, **PLAIN), 1.0, {"gate_weights": [[-5.02]]}, [1 / (1 + np.exp(5.02))]),
        (
            NetFV(1, **PLAIN),
            1.0,
            {"means": [[0.0]], "covar_weights": [[1 + 2**-10]]},
            [1 / WIDTH, 1 / WIDTH**2 - 1],
        ),
        (
            NetBoW(2, "diagonal", **PLAIN),
            1.0,
            {"means": [[0.0], [0.0]], "mixture_logits": [0.0, -5.02]},
            [1 / (1 + np.exp(-5.02)), 1 / (1 + np.exp(5.02))],
        ),
        (
            DSGMM(2, 1e9, statistics=("weights",), **PLAIN),
            1.0,
            {"mixture_logits": [0.0, -5.02]},
            [1 / (1 + np.exp(-5.02)), 1 / (1 + np.exp(5.02))],
        ),
        (
            DSGMM(1, 1e9, statistics=("covariances",), **PLAIN),
            0.0,
            {"means": [[0.0]], "log_scales": [[5.02]]},
            [np.exp(10.04)],
        ),
        (
            DSGMM(1, 1e9, statistics=("covariances",), covariances="full", **PLAIN),
            0.0,
            {"means": [[0.0]], "covariance_roots": [[[128.49]]]},
            [128.49**2],
        ),
    ],
)
def test_weights_keep_their_digits_in_mixed_precision(
    layer, frame, weights, expected, assign, to_numpy
):
    """One frame; rounded to bfloat16 the weights would give what differs by 0.7 % and more."""
    layer.build((None, None, 1))
    assign(layer, **weights)
    found = to_numpy(layer(np.full((1, 1, 1), frame, "float32")))
    np.testing.assert_allclose(found, [expected], rtol=2**-8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DSGMM(3, gamma=float("inf")), "gamma must be at least 0 and finite; received inf"),
        (lambda: DSGMM(3, gamma_weights=-1.0), "gamma_weights must be at least 0 .* received -1.0"),
        (lambda: DSGMM(3, gamma_means=-1.0), "gamma_means must be at least 0 .* received -1.0"),
        (
            lambda: DSGMM(3, gamma_covariances=float("nan")),
            "gamma_covariances must be at least 0 .* received nan",
        ),
        (
            lambda: DSGMM(3, covariances="tied"),
            "covariances must be one of .'diagonal', 'full'.; received 'tied'",
        ),
        (lambda: DSGMM(3, statistics=()), r"statistics must be one or more of .* received \(\)"),
        (lambda: DSGMM(3, statistics=("mean",)), "statistics must be .* received .'mean',"),
        (
            lambda: DSGMM(3, statistics=("means", "means")),
            "none of them twice; received .'means', 'means'",
        ),
        (
            lambda: NetFV(3, "diagonal", couple_weights=True),
            "couple_weights needs assignment='decoupled', .* received 'diagonal'",
        ),
        (lambda: NetBoW(0), "num_clusters must be at least 1; received 0"),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
