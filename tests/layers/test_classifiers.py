"""Gating and classifiers equal slow NumPy references."""

import itertools

import keras
import numpy as np
import pytest

from yt8m_models.layers import ContextGating, Logistic, MixtureOfExperts


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("remove_diagonal", [True, False])
def test_context_gating(remove_diagonal, rng, to_numpy, assign):
    inputs = rng.normal(size=(3, 4)).astype("float32")
    layer = ContextGating(remove_diagonal=remove_diagonal, batch_norm=False)
    layer.build(inputs.shape)
    kernel, bias = rng.normal(size=(4, 4)), rng.normal(size=4)
    assign(layer, gating_kernel=kernel, gating_bias=bias)
    if remove_diagonal:
        kernel = kernel * (1 - np.eye(4))
    np.testing.assert_allclose(
        to_numpy(layer(inputs)), inputs * sigmoid(inputs @ kernel + bias), rtol=1e-5
    )


def test_context_gating_normalises_over_the_batch(rng, to_numpy, assign):
    inputs = rng.normal(size=(6, 4)).astype("float32")
    layer = ContextGating()
    layer.build(inputs.shape)
    kernel = rng.normal(size=(4, 4))
    assign(layer, gating_kernel=kernel)
    logits = inputs @ kernel
    logits = (logits - logits.mean(0)) / np.sqrt(logits.var(0) + 1e-3)
    np.testing.assert_allclose(
        to_numpy(layer(inputs, training=True)), inputs * sigmoid(logits), rtol=1e-4, atol=1e-5
    )


def test_logistic(rng, to_numpy, assign):
    inputs = rng.normal(size=(3, 4)).astype("float32")
    layer = Logistic(5, l2=0.2)
    layer.build(inputs.shape)
    kernel, bias = rng.normal(size=(4, 5)), rng.normal(size=5)
    assign(layer, kernel=kernel, bias=bias)
    logits = inputs @ kernel + bias
    np.testing.assert_allclose(to_numpy(layer(inputs, return_logits=True)), logits, rtol=1e-4)
    np.testing.assert_allclose(to_numpy(layer(inputs)), sigmoid(logits), rtol=1e-5)
    # The starter code's regulariser is l2 · Σ w² / 2.
    np.testing.assert_allclose(float(layer.losses[0]), 0.2 * (kernel**2).sum() / 2, rtol=1e-5)


def test_mixture_of_experts_of_logits(rng, to_numpy, assign):
    """`p_c = σ(Σ_m softmax(gates)_m · logit_m)`, the dummy expert's logit being 0."""
    batch, features, classes, mixtures = 3, 4, 5, 2
    inputs = rng.normal(size=(batch, features)).astype("float32")
    layer = MixtureOfExperts(classes, num_mixtures=mixtures, mix_logits=True)
    layer.build(inputs.shape)
    gates = rng.normal(size=(features, (mixtures + 1) * classes))
    experts = rng.normal(size=(features, mixtures * classes))
    biases = rng.normal(size=mixtures * classes)
    assign(layer, gates_kernel=gates, experts_kernel=experts, experts_bias=biases)
    expected = np.zeros((batch, classes))
    for row, c in itertools.product(range(batch), range(classes)):
        scores = [np.exp(inputs[row] @ gates[:, m * classes + c]) for m in range(mixtures + 1)]
        logit = sum(
            scores[m] / sum(scores) * (inputs[row] @ experts[:, index] + biases[index])
            for m, index in ((m, m * classes + c) for m in range(mixtures))
        )
        expected[row, c] = sigmoid(logit)
    np.testing.assert_allclose(to_numpy(layer(inputs)), expected, rtol=1e-4)


def test_experts_without_a_bias(rng, to_numpy, assign):
    """CDML's equation 8: `p_c = Σ_m softmax(gates)_m σ(w_m·x)`; the last gate is the dummy's."""
    inputs = rng.normal(size=(3, 4)).astype("float32")
    layer = MixtureOfExperts(5, num_mixtures=2, expert_bias=False)
    layer.build(inputs.shape)
    gates, experts = rng.normal(size=(4, 15)), rng.normal(size=(4, 10))
    assign(layer, gates_kernel=gates, experts_kernel=experts)
    assert sorted(weight.name for weight in layer.weights) == ["experts_kernel", "gates_kernel"]
    weights = np.exp(inputs @ gates).reshape(3, 3, 5)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = (weights[:, :2] * sigmoid(inputs @ experts).reshape(3, 2, 5)).sum(axis=1)
    np.testing.assert_allclose(to_numpy(layer(inputs)), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("mixtures", "low_rank", "prob_gating"), list(itertools.product([1, 3], [0, 2], [True, False]))
)
def test_mixture_of_experts(mixtures, low_rank, prob_gating, rng, to_numpy, assign):
    batch, features, classes = 3, 4, 5
    inputs = rng.normal(size=(batch, features)).astype("float32")
    layer = MixtureOfExperts(classes, mixtures, l2=0.2, low_rank=low_rank, prob_gating=prob_gating)
    layer.build(inputs.shape)
    gates = rng.normal(size=(low_rank or features, mixtures + 1, classes))
    reduce = rng.normal(size=(features, low_rank)) if low_rank else np.eye(features)
    experts = rng.normal(size=(features, mixtures, classes))
    bias = rng.normal(size=(mixtures, classes))
    assign(
        layer,
        gates_kernel=gates.reshape(gates.shape[0], -1),
        experts_kernel=experts.reshape(features, -1),
        experts_bias=bias.reshape(-1),
    )
    if low_rank:
        assign(layer, gates_low_rank_kernel=reduce)
    expected = np.zeros((batch, classes))
    for b, c in itertools.product(range(batch), range(classes)):
        gate_logits = [inputs[b] @ reduce @ gates[:, m, c] for m in range(mixtures + 1)]
        weights = np.exp(gate_logits) / np.exp(gate_logits).sum()  # the dummy's is the last
        for m in range(mixtures):
            expert = sigmoid(inputs[b] @ experts[:, m, c] + bias[m, c])
            expected[b, c] += weights[m] * expert
    if prob_gating:
        kernel = rng.normal(size=(classes, classes))
        assign(layer, gating_kernel=kernel)
        # A new batch normalisation in inference divides by sqrt(1 + 0.001).
        expected = expected * sigmoid(expected @ kernel / np.sqrt(1.001))
    np.testing.assert_allclose(to_numpy(layer(inputs)), expected, rtol=1e-4)
    squares = sum((w**2).sum() for w in (gates, experts, *([reduce] if low_rank else [])))
    penalty = sum(float(term) for term in layer.losses)
    np.testing.assert_allclose(penalty, 0.2 * squares / 2, rtol=1e-5)


def test_probabilities_are_float32_in_half_precision(rng, assign, to_numpy):
    """An expert of σ(8) = 0.99966, which bfloat16 would round to 1, behind two gates of 1/2."""
    layer = MixtureOfExperts(2, 1, prob_gating=True, dtype="mixed_bfloat16")
    layer.build((None, 3))
    assign(layer, gating_kernel=np.zeros((2, 2)), experts_kernel=np.zeros((3, 2)))
    assign(layer, gates_kernel=np.zeros((3, 4)), experts_bias=np.full(2, 8.0))
    found = layer(rng.normal(size=(4, 3)).astype("float32"))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(to_numpy(found), sigmoid(8.0) / 4, rtol=1e-5)


def test_mixture_of_experts_needs_an_expert():
    with pytest.raises(ValueError, match="num_mixtures must be at least 1; received 0"):
        MixtureOfExperts(5, num_mixtures=0)
