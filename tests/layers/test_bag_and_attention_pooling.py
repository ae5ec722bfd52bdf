"""Soft and gated bags of frames, NeXtVLAD and self-attention equal slow NumPy references."""

import itertools

import numpy as np
import pytest

from yt8m_models.layers import (
    FeatureAttentionPooling,
    FrameNetwork,
    GatedDBoF,
    NeXtVLAD,
    SelfAttentionPooling,
    SoftDBoF,
    SqueezeExcitationGating,
)

SHAPES = [(1, 1, 2), (3, 4, 6), (2, 9, 4)]  # batch, T, D


def softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def normalized(vector):
    return vector / np.sqrt(max((vector**2).sum(), 1e-12))


def random_case(rng, shape):
    """Frames, number of valid frames (one video without any) and mask."""
    batch, frames, _ = shape
    num_frames = rng.integers(1, frames + 1, batch)
    num_frames[-1] = 0 if batch > 1 else num_frames[-1]
    mask = np.arange(frames) < num_frames[:, None]
    return rng.normal(size=shape).astype("float32"), num_frames, mask


def random_weights(layer, rng):
    """Sets every weight at random (variances above 0); the values by path below the layer."""
    values = {}
    for weight in layer.weights:
        value = rng.normal(size=weight.shape)
        value = np.abs(value) + 0.5 if weight.name == "moving_variance" else value
        weight.assign(value)
        values["/".join(weight.path.split("/")[1:])] = value
    return values


def inference_batch_norm(x, values, scope):
    scaled = (x - values[f"{scope}/moving_mean"]) / np.sqrt(
        values[f"{scope}/moving_variance"] + 1e-3
    )
    return scaled * values[f"{scope}/gamma"] + values[f"{scope}/beta"]


def posteriors_slowly(video, values, batch_norm):
    """P(k|x_t) of each valid frame, `(T, K)`."""
    found = []
    for x in video.astype("float64"):
        logits = x @ values["assign/assignment_kernel"]
        if batch_norm:
            found.append(softmax(inference_batch_norm(logits, values, "assign/batch_norm")))
        else:
            found.append(softmax(logits + values["assign/assignment_bias"]))
    return np.array(found)


@pytest.mark.parametrize(
    ("shape", "max_pool", "batch_norm"),
    list(itertools.product(SHAPES, [False, True], [False, True])),
)
def test_soft_dbof(shape, max_pool, batch_norm, rng, to_numpy):
    frames, num_frames, mask = random_case(rng, shape)
    layer = SoftDBoF(5, max_pool=max_pool, batch_norm=batch_norm)
    layer.build(shape)
    values = random_weights(layer, rng)
    expected = []
    for video, count in zip(frames, num_frames, strict=True):
        if count == 0:
            expected.append(np.zeros(10 if max_pool else 5))
            continue
        posteriors = posteriors_slowly(video[:count], values, batch_norm)
        parts = [normalized(posteriors.mean(0)), normalized(posteriors.max(0))]
        expected.append(np.concatenate(parts if max_pool else parts[:1]))
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("shape", "batch_norm"), list(itertools.product(SHAPES, [False, True])))
def test_gated_dbof(shape, batch_norm, rng, to_numpy):
    frames, num_frames, mask = random_case(rng, shape)
    layer = GatedDBoF(5, batch_norm=batch_norm)
    layer.build(shape)
    values = random_weights(layer, rng)
    expected = []
    for video, count in zip(frames, num_frames, strict=True):
        if count == 0:
            expected.append(np.zeros(5))
            continue
        posteriors = posteriors_slowly(video[:count], values, batch_norm)
        logits = (
            normalized(posteriors.max(0)) @ values["reduction_kernel"] @ values["gating_kernel"]
        )
        if batch_norm:
            logits = inference_batch_norm(logits, values, "batch_norm")
        else:
            logits = logits + values["gating_bias"]
        expected.append(normalized(sigmoid(logits) * posteriors.sum(0)))
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "groups", "expansion", "batch_norm"),
    list(itertools.product(SHAPES, [1, 2, 4], [2, 3], [False, True])),
)
def test_nextvlad(shape, groups, expansion, batch_norm, rng, to_numpy):
    """Frame by frame, group by group, cluster by cluster."""
    clusters, expanded_size = 3, expansion * shape[-1]
    layer = NeXtVLAD(clusters, groups, expansion, batch_norm)
    if expanded_size % groups:
        with pytest.raises(ValueError, match=f"groups must divide .*{expanded_size}.*{groups}"):
            layer.build(shape)
        return
    frames, num_frames, mask = random_case(rng, shape)
    layer.build(shape)
    values = random_weights(layer, rng)
    group_size = expanded_size // groups
    expected = []
    for video, count in zip(frames.astype("float64"), num_frames, strict=True):
        described = np.zeros((clusters, group_size))
        for x in video[:count]:
            y = x @ values["expansion_kernel"] + values["expansion_bias"]
            attention = sigmoid(y @ values["attention_kernel"] + values["attention_bias"])
            logits = y @ values["assignment_kernel"]
            if batch_norm:
                logits = inference_batch_norm(logits, values, "assignment_batch_norm")
            else:
                logits = logits + values["assignment_bias"]
            for g in range(groups):
                posteriors = softmax(logits[g * clusters : (g + 1) * clusters])
                part = y[g * group_size : (g + 1) * group_size]
                for k in range(clusters):
                    described[k] += attention[g] * posteriors[k] * (part - values["means"][k])
        vector = np.concatenate([normalized(row) for row in described])
        if batch_norm:
            vector = inference_batch_norm(vector, values, "batch_norm")
        expected.append(vector)
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("shape", "heads"), list(itertools.product(SHAPES, [1, 3])))
def test_self_attention(shape, heads, rng, to_numpy):
    frames, num_frames, mask = random_case(rng, shape)
    layer = SelfAttentionPooling(heads, attention_size=7)
    layer.build(shape)
    values = random_weights(layer, rng)
    expected = []
    for video, count in zip(frames.astype("float64"), num_frames, strict=True):
        described = np.zeros((heads, shape[-1]))
        for head in range(heads if count else 0):
            scores = [
                np.tanh(x @ values["attention_kernel"]) @ values["heads_kernel"][:, head]
                for x in video[:count]
            ]
            described[head] = softmax(np.array(scores)) @ video[:count]
        expected.append(described.ravel())
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-5)


def test_self_attention_without_preference_is_the_average(rng, to_numpy, assign):
    """Zero scores weigh each valid frame by 1 / num_frames."""
    frames, num_frames, mask = random_case(rng, (4, 6, 3))
    layer = SelfAttentionPooling(2, attention_size=5)
    layer.build(frames.shape)
    assign(layer, heads_kernel=np.zeros((5, 2)))
    average = [
        video[:count].mean(0) if count else np.zeros(3)
        for video, count in zip(frames, num_frames, strict=True)
    ]
    np.testing.assert_allclose(
        to_numpy(layer(frames, mask=mask)), np.tile(average, 2), rtol=1e-5, atol=1e-6
    )


def test_feature_attention(rng, to_numpy):
    frames, num_frames, mask = random_case(rng, (4, 6, 3))
    layer = FeatureAttentionPooling(5)
    layer.build(frames.shape)
    values = random_weights(layer, rng)
    expected = np.zeros((4, 5))
    for video, (x, count) in enumerate(zip(frames.astype("float64"), num_frames, strict=True)):
        weights = sigmoid(x[:count] @ values["attention_kernel"] + values["attention_bias"])
        of_frames = x[:count] @ values["values_kernel"] + values["values_bias"]
        if count:
            expected[video] = (weights * of_frames).sum(0) / weights.sum(0)
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_frame_network(batch_norm, rng, to_numpy):
    frames, _, mask = random_case(rng, (4, 6, 3))
    layer = FrameNetwork((5, 2), dropout=0.5, batch_norm=batch_norm)
    layer.build(frames.shape)
    values = random_weights(layer, rng)
    expected = frames.astype("float64")
    for index in range(2):
        expected = expected @ values[f"dense_{index}/kernel"]
        if batch_norm:
            expected = inference_batch_norm(expected, values, f"batch_norm_{index}")
        else:
            expected = expected + values[f"dense_{index}/bias"]
        expected = np.maximum(expected, 0)
    expected = np.where(mask[..., None], expected, 0)
    np.testing.assert_allclose(to_numpy(layer(frames, mask=mask)), expected, rtol=1e-4, atol=1e-5)


def test_frame_network_drops_in_training(to_numpy, assign):
    layer = FrameNetwork((1000,), dropout=0.25, batch_norm=False)
    layer.build((None, None, 4))
    assign(layer, kernel=np.ones((4, 1000)))
    dropped = to_numpy(layer(np.ones((2, 3, 4), "float32"), training=True))
    np.testing.assert_allclose(np.unique(dropped), [0, 4 / 0.75], rtol=1e-6)
    # 6,000 draws: the standard deviation of the share is sqrt(1/4 · 3/4 / 6000) = 0.0056.
    assert np.mean(dropped == 0) == pytest.approx(0.25, abs=5 * 0.0056)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_squeeze_and_excitation_gating(batch_norm, rng, to_numpy):
    inputs = rng.normal(size=(5, 6)).astype("float32")
    layer = SqueezeExcitationGating(reduction=4, batch_norm=batch_norm)
    layer.build(inputs.shape)
    assert layer.squeeze_kernel.shape == (6, 1)  # 6 // 4
    values = random_weights(layer, rng)
    expected = []
    for x in inputs.astype("float64"):
        squeezed = x @ values["squeeze_kernel"]
        if batch_norm:
            squeezed = inference_batch_norm(squeezed, values, "batch_norm")
        else:
            squeezed = squeezed + values["squeeze_bias"]
        expected.append(sigmoid(np.maximum(squeezed, 0) @ values["excitation_kernel"]) * x)
    np.testing.assert_allclose(to_numpy(layer(inputs)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SoftDBoF(0), "num_clusters must be at least 1; received 0"),
        (lambda: GatedDBoF(0), "num_clusters must be at least 1; received 0"),
        (lambda: NeXtVLAD(0), "num_clusters must be at least 1; received 0"),
        (lambda: NeXtVLAD(3, groups=0), "groups must be at least 1; received 0"),
        (lambda: NeXtVLAD(3, expansion=-1), "expansion must be at least 1; received -1"),
        (lambda: SelfAttentionPooling(0), "num_heads must be at least 1; received 0"),
        (
            lambda: SelfAttentionPooling(2, attention_size=0),
            "attention_size must be at least 1; received 0",
        ),
        (lambda: FeatureAttentionPooling(0), "units must be at least 1; received 0"),
        (lambda: FrameNetwork(()), "units must have one width or more; received none"),
        (lambda: FrameNetwork((4, 0)), "units must be at least 1; received 0"),
        (lambda: FrameNetwork((4,), dropout=1.0), "dropout must be at least 0 and below 1; .* 1.0"),
        (lambda: FrameNetwork((4,), dropout=-0.1), "dropout must be at least 0 .* received -0.1"),
        (lambda: SqueezeExcitationGating(0), "reduction must be at least 1; received 0"),
        (
            lambda: SqueezeExcitationGating(9).build((None, 8)),
            "reduction must be at most the width of the input, 8; received 9",
        ),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
