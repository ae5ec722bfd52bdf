"""Coupled assignments equal a slow float64 reference, and stay accurate where float32 is not."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import CoupledAssignment, NetVLAD

# Name -> shape of the deviations beside (K, D), and whether there are priors.
COUPLED = {
    "uniform_priors": ((1, 1), False),
    "shared_spherical": ((1, 1), True),
    "spherical": (("K", 1), True),
    "shared_diagonal": ((1, "D"), True),
    "diagonal": (("K", "D"), True),
}


def posteriors_slowly(frames, means, log_scales, logits):
    """Posteriors of float64 frames `(n, D)` by the density's definition, frame by frame."""
    found = []
    for x in frames:
        exponents = logits.copy()
        for k, mean in enumerate(means):
            deviations = np.exp(np.broadcast_to(log_scales, means.shape)[k])
            exponents[k] -= np.sum((x - mean) ** 2 / (2 * deviations**2) + np.log(deviations))
        weights = np.exp(exponents - exponents.max())
        found.append(weights / weights.sum())
    return np.stack(found)


def deviations_shape(name, clusters, features):
    sizes = {"K": clusters, "D": features, 1: 1}
    return tuple(sizes[axis] for axis in COUPLED[name][0])


def random_mixture(name, rng, clusters, features, spread):
    """Means, log deviations `(K or 1, D or 1)` and logits, all exactly float32."""
    shape = deviations_shape(name, clusters, features)
    arrays = (
        rng.normal(size=(clusters, features)) * features**-0.5,
        spread(shape),
        rng.normal(size=clusters) * COUPLED[name][1],
    )
    return [array.astype("float32").astype("float64") for array in arrays]


def set_mixture(assign, layer, means, log_scales, logits):
    values = {"means": means, "mixture_logits": logits}
    names = {weight.name: weight for weight in layer.weights}
    values["log_scales"] = log_scales.reshape(names["log_scales"].shape)
    return assign(layer, **{name: values[name] for name in names})


@pytest.mark.parametrize("shape", [(1, 1, 1, 2), (3, 4, 2, 5), (2, 9, 5, 3)])
@pytest.mark.parametrize("name", COUPLED)
def test_posteriors(name, shape, rng, assign, to_numpy):
    batch, frames, features, clusters = shape
    x = rng.normal(size=(batch, frames, features)).astype("float32")
    mask = np.arange(frames) < rng.integers(0, frames + 1, batch)[:, None]
    mixture = random_mixture(name, rng, clusters, features, lambda s: rng.uniform(-1, 1, s))
    layer = CoupledAssignment(clusters, name)
    layer.build(x.shape)
    set_mixture(assign, layer, *mixture)
    expected = posteriors_slowly(x.reshape(-1, features).astype("float64"), *mixture)
    expected = expected.reshape(batch, frames, clusters)
    np.testing.assert_allclose(to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        to_numpy(layer(x, mask=mask)), expected * mask[..., None], rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("uniform_priors", ()),
        ("shared_spherical", ()),
        ("spherical", (3,)),
        ("shared_diagonal", (4,)),
        ("diagonal", (3, 4)),
    ],
)
def test_weights(name, shape):
    layer = CoupledAssignment(3, name, initial_scale=0.5)
    layer.build((None, None, 4))
    shapes = {weight.name: tuple(weight.shape) for weight in layer.trainable_weights}
    priors = {} if name == "uniform_priors" else {"mixture_logits": (3,)}
    assert shapes == {"means": (3, 4), "log_scales": shape, **priors}
    np.testing.assert_allclose(ops.convert_to_numpy(layer.log_scales), np.log(0.5), rtol=1e-6)


def test_two_equal_clusters_share_by_their_priors(assign, to_numpy):
    """With equal means and deviations `P(k|x) = w_k`: softmax(ln 3, 0) = (3/4, 1/4)."""
    layer = CoupledAssignment(2, "shared_spherical")
    layer.build((None, None, 1))
    assign(layer, means=[[2.0], [2.0]], mixture_logits=[np.log(3), 0.0], log_scales=0.7)
    np.testing.assert_allclose(to_numpy(layer(np.array([[[5.0]]]))), [[[0.75, 0.25]]], rtol=1e-6)


def test_a_narrow_cluster_between(assign, to_numpy):
    """σ = 1 and σ = 2 around 0: at x = 0 densities are as 1 : 1/2, at x = 2 as e⁻² : e^(-1/2)/2."""
    layer = CoupledAssignment(2, "spherical")
    layer.build((None, None, 1))
    assign(layer, means=[[0.0], [0.0]], mixture_logits=[0.0, 0.0], log_scales=[0.0, np.log(2)])
    wide = np.exp(-0.5) / 2 / (np.exp(-0.5) / 2 + np.exp(-2))
    expected = [[[2 / 3, 1 / 3], [1 - wide, wide]]]
    np.testing.assert_allclose(to_numpy(layer(np.array([[[0.0], [2.0]]]))), expected, rtol=1e-6)


def gradients_slowly(frames, means, log_scales, logits, target):
    """NetVLAD without normalisation, and the gradients of `Σ target · output`, in float64.

    With `p` the posteriors of a frame, `d_k = x - μ_k` and `h_k = target_k · d_k`, the exponents'
    gradient is `g = p (h - Σ p h)`; exponents depend on `μ_k` by `d_k / σ_k²` and on `ln σ_k` by
    `d_k² / σ_k² - 1`.
    """
    output = np.zeros((len(frames), *means.shape))
    gradients = [np.zeros(means.shape), np.zeros(means.shape), np.zeros(len(means))]
    deviations = np.exp(np.broadcast_to(log_scales, means.shape))
    for video, rows, weight in zip(frames, output, target, strict=True):
        for x in video:
            difference = x - means
            standard = difference / deviations
            exponents = logits - (standard**2 / 2 + np.log(deviations)).sum(-1)
            p = np.exp(exponents - exponents.max())
            p /= p.sum()
            rows += p[:, None] * difference
            h = (weight * difference).sum(-1)
            g = p * (h - p @ h)
            gradients[0] += g[:, None] * standard / deviations - p[:, None] * weight
            gradients[1] += g[:, None] * (standard**2 - 1)
            gradients[2] += g
    for axis, size in enumerate(log_scales.shape):
        if size == 1:
            gradients[1] = gradients[1].sum(axis, keepdims=True)
    return output, gradients


@pytest.mark.parametrize("unit_length", [True, False])
@pytest.mark.parametrize("scale", [1e-3, 0.01, 0.03, 0.1, 0.2, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("name", COUPLED)
def test_float32_at_full_size(name, scale, unit_length, rng, assign, to_numpy, gradients):
    """D = 1024, K = 256: within 1e-4 of float64, relative to the largest of each array.

    Gradients that float64 finds below 1e-3 at their largest (those of the outputs are around 1) are
    of posteriors that are 0 or 1 within rounding; they count as 0.
    """
    clusters, features = 256, 1024
    frames = rng.normal(size=(2, 6, features))
    if unit_length:
        frames /= np.linalg.norm(frames, axis=-1, keepdims=True)
    frames = frames.astype("float32")

    def scales(shape):
        return np.log(scale) + 0.01 * rng.normal(size=shape) / np.sqrt(features // shape[1])

    mixture = random_mixture(name, rng, clusters, features, scales)
    layer = NetVLAD(clusters, name, intra_norm=False, final_norm=False)
    layer.build(frames.shape)
    set_mixture(assign, layer, *mixture)
    target = rng.normal(size=(2, clusters, features)).astype("float32")
    expected, expected_gradients = gradients_slowly(frames.astype("float64"), *mixture, target)
    output = to_numpy(layer(frames)).reshape(expected.shape)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    by_name = dict(zip(("means", "log_scales", "mixture_logits"), expected_gradients, strict=True))
    flat_target = target.reshape(2, -1)
    found = gradients(layer, lambda: ops.sum(ops.multiply(layer(frames), flat_target)))
    for weight, gradient in zip(layer.trainable_weights, found, strict=True):
        correct = by_name[weight.name].reshape(gradient.shape)
        assert np.isfinite(gradient).all()
        np.testing.assert_allclose(
            gradient,
            correct,
            rtol=0,
            atol=1e-4 * max(np.abs(correct).max(), 1e-3),
            err_msg=weight.name,
        )


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiles with JAX")
def test_compiled_and_recomputed_gradients_on_jax(rng):
    """The local switch to float64 holds inside `jit` and `checkpoint`."""
    import jax

    frames = rng.normal(size=(2, 5, 64)).astype("float32")
    layer = NetVLAD(8, "diagonal", initial_scale=0.5, intra_norm=False, final_norm=False)
    layer.build(frames.shape)
    weights = [weight.value for weight in layer.trainable_weights]

    def loss(weights):
        return ops.sum(layer.stateless_call(weights, [], frames)[0] ** 2)

    expected = jax.grad(loss)(weights)
    for compiled in (jax.jit(jax.grad(loss)), jax.jit(jax.grad(jax.checkpoint(loss)))):
        for found, gradient in zip(compiled(weights), expected, strict=True):
            np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["spherical", "shared_diagonal", "diagonal"])
def test_deviations_of_all_sizes_at_once(name, rng, assign, to_numpy, gradients):
    clusters, features = 256, 1024
    frames = rng.normal(size=(2, 6, features)).astype("float32")
    mixture = random_mixture(
        name, rng, clusters, features, lambda s: rng.uniform(np.log(1e-3), np.log(1e3), s)
    )
    layer = CoupledAssignment(clusters, name)
    layer.build(frames.shape)
    set_mixture(assign, layer, *mixture)
    expected = posteriors_slowly(frames.reshape(-1, features).astype("float64"), *mixture)
    posteriors = to_numpy(layer(frames))
    np.testing.assert_allclose(posteriors.reshape(expected.shape), expected, rtol=0, atol=1e-4)
    target = rng.normal(size=posteriors.shape).astype("float32")
    for gradient in gradients(layer, lambda: ops.sum(ops.multiply(layer(frames), target))):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", COUPLED)
def test_a_common_offset_changes_nothing(name, rng, assign, to_numpy):
    """Frames and means far from 0: their squares are 10,000 times the differences that count."""
    frames = rng.normal(size=(2, 5, 64)).astype("float32")
    means, log_scales, logits = random_mixture(name, rng, 8, 64, lambda s: rng.uniform(0, 1, s))
    layer = CoupledAssignment(8, name)
    layer.build(frames.shape)
    set_mixture(assign, layer, means, log_scales, logits)
    expected = to_numpy(layer(frames))
    set_mixture(assign, layer, means + 128, log_scales, logits)
    np.testing.assert_allclose(to_numpy(layer(frames + 128)), expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", COUPLED)
def test_mixed_precision_at_any_scale(name, scale, policy, rng, gradients, to_numpy):
    """Posteriors are float32; 1/σ² = 10⁶ would be infinite in float16."""
    frames = 30 * rng.normal(size=(2, 4, 1024)).astype("float16")
    layer = NetVLAD(32, name, initial_scale=scale, dtype=policy)
    output = layer(frames)
    posteriors = layer.assign(frames)
    assert keras.backend.standardize_dtype(posteriors.dtype) == "float32"
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(to_numpy(posteriors).sum(-1), 1.0, rtol=1e-5)
    assert np.isfinite(to_numpy(output)).all()
    for gradient in gradients(layer, lambda: ops.sum(ops.cast(layer(frames), "float32"))):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CoupledAssignment(0), "num_clusters must be at least 1; received 0"),
        (lambda: CoupledAssignment(2, "decoupled"), "assignment must be one of .* 'decoupled'"),
        (lambda: CoupledAssignment(2, initial_scale=0.0), "initial_scale must be positive; .* 0.0"),
        (lambda: CoupledAssignment(2, initial_scale=np.inf), "initial_scale must be .* inf"),
        (lambda: NetVLAD(2, initial_scale=0.0), "initial_scale must be positive; received 0.0"),
        (lambda: NetVLAD(2, initial_scale=np.inf), "initial_scale must be positive; received inf"),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
