"""Pooling layers equal slow NumPy references over a grid of shapes and options."""

import itertools

import numpy as np
import pytest

from yt8m_models.layers import DSGMM, AveragePooling, DBoF, DecoupledAssignment, MaxPooling, NetVLAD

SHAPES = [(1, 1, 1, 2), (3, 4, 2, 5), (2, 9, 5, 3)]  # batch, T, D, K


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def normalized(vector):
    return vector / np.sqrt(max((vector**2).sum(), 1e-12))


def random_case(rng, shape):
    """Frames, number of valid frames (one video without any) and mask."""
    batch, frames, features, _ = shape
    num_frames = rng.integers(1, frames + 1, batch)
    num_frames[-1] = 0 if batch > 1 else num_frames[-1]
    mask = np.arange(frames) < num_frames[:, None]
    return rng.normal(size=(batch, frames, features)).astype("float32"), num_frames, mask


def cluster_weights(rng, shape):
    """Weights of a pooling layer with a decoupled assignment and a bias, by name."""
    _, _, features, clusters = shape
    return {
        "means": rng.normal(size=(clusters, features)),
        "assignment_kernel": rng.normal(size=(features, clusters)),
        "assignment_bias": rng.normal(size=(clusters,)),
    }


def describe_slowly(frames, num_frames, weights, describe, intra_norm, final_norm):
    """Frame by frame, cluster by cluster, video by video."""
    pooled = []
    for video, count in zip(frames.astype("float64"), num_frames, strict=True):
        clusters = []
        for k, mean in enumerate(weights["means"]):
            n, s = 0.0, np.zeros_like(mean)
            for x in video[:count]:
                p = softmax(x @ weights["assignment_kernel"] + weights["assignment_bias"])[k]
                n, s = n + p, s + p * x
            described = describe(n, s, mean)
            clusters.append(normalized(described) if intra_norm else described)
        vector = np.concatenate(clusters)
        pooled.append(normalized(vector) if final_norm else vector)
    return np.stack(pooled)


@pytest.mark.parametrize(
    ("shape", "intra_norm", "final_norm"),
    list(itertools.product(SHAPES, [True, False], [True, False])),
)
def test_netvlad(shape, intra_norm, final_norm, rng, to_numpy, assign):
    frames, num_frames, mask = random_case(rng, shape)
    layer = NetVLAD(shape[3], intra_norm=intra_norm, final_norm=final_norm, batch_norm=False)
    layer.build(frames.shape)
    weights = cluster_weights(rng, shape)
    assign(layer, **weights)
    expected = describe_slowly(
        frames, num_frames, weights, lambda n, s, mean: s - n * mean, intra_norm, final_norm
    )
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "gamma", "intra_norm", "final_norm"),
    list(itertools.product(SHAPES, [0.0, 0.125, 40.0], [True, False], [True, False])),
)
def test_dsgmm(shape, gamma, intra_norm, final_norm, rng, to_numpy, assign):
    def smoothed_mean(n, s, mean):
        if n == 0:
            return mean
        weight = n / (n + gamma)
        return weight * s / n + (1 - weight) * mean

    frames, num_frames, mask = random_case(rng, shape)
    layer = DSGMM(
        shape[3], gamma=gamma, intra_norm=intra_norm, final_norm=final_norm, batch_norm=False
    )
    layer.build(frames.shape)
    weights = cluster_weights(rng, shape)
    assign(layer, **weights)
    expected = describe_slowly(frames, num_frames, weights, smoothed_mean, intra_norm, final_norm)
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-5)


def test_dsgmm_goes_to_the_background_model_as_gamma_grows(rng, to_numpy):
    frames = rng.normal(size=(2, 6, 3)).astype("float32")
    layer = DSGMM(4, gamma=1e9, intra_norm=False)
    pooled = to_numpy(layer(frames)).reshape(2, 4, 3)
    np.testing.assert_allclose(pooled, np.broadcast_to(to_numpy(layer.means), (2, 4, 3)), rtol=1e-5)


def test_assignment_with_batch_norm(rng, to_numpy, assign):
    """In inference `BN(z) = gamma (z - moving_mean) / sqrt(moving_variance + 0.001) + beta`."""
    frames = rng.normal(size=(2, 3, 4)).astype("float32")
    layer = DecoupledAssignment(5)
    layer.build(frames.shape)
    values = {
        "assignment_kernel": rng.normal(size=(4, 5)),
        "gamma": rng.uniform(0.5, 2, 5),
        "beta": rng.normal(size=5),
        "moving_mean": rng.normal(size=5),
        "moving_variance": rng.uniform(0.5, 2, 5),
    }
    assign(layer, **values)
    logits = frames @ values["assignment_kernel"] - values["moving_mean"]
    logits *= values["gamma"] / np.sqrt(values["moving_variance"] + 1e-3)
    np.testing.assert_allclose(to_numpy(layer(frames)), softmax(logits + values["beta"]), rtol=1e-4)


def test_average_and_max(rng, to_numpy):
    frames, num_frames, mask = random_case(rng, (4, 6, 3, 1))
    for layer, reduce in ((AveragePooling(), np.mean), (MaxPooling(), np.max)):
        expected = [
            reduce(video[:count], axis=0) if count else np.zeros(3)
            for video, count in zip(frames, num_frames, strict=True)
        ]
        np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-5)


@pytest.mark.parametrize(("method", "reduce"), [("average", np.mean), ("max", np.max)])
def test_dbof(method, reduce, rng, to_numpy, assign):
    frames, num_frames, mask = random_case(rng, (4, 6, 3, 1))
    layer = DBoF(5, activation="relu6", pooling_method=method, batch_norm=False)
    layer.build(frames.shape)
    kernel, bias = 4 * rng.normal(size=(3, 5)), rng.normal(size=5)
    assign(layer, cluster_kernel=kernel, cluster_bias=bias)
    expected = [
        reduce(np.clip(video[:count] @ kernel + bias, 0, 6), axis=0) if count else np.zeros(5)
        for video, count in zip(frames, num_frames, strict=True)
    ]
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: NetVLAD(0), "num_clusters must be at least 1; received 0"),
        (lambda: NetVLAD(3, assignment="hard"), "assignment must be one of .* received 'hard'"),
        (lambda: DSGMM(3, gamma=-1.0), "gamma must be at least 0 and finite; received -1.0"),
        (lambda: DSGMM(3, gamma=float("nan")), "gamma must be at least 0 and finite; received nan"),
        (lambda: DecoupledAssignment(-2), "num_clusters must be at least 1; received -2"),
        (lambda: DBoF(0), "num_clusters must be at least 1; received 0"),
        (lambda: DBoF(3, pooling_method="sum"), "pooling_method must be one of .* received 'sum'"),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
