"""Recurrent pooling equals a slow NumPy reference: frame by frame, video by video."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import GRUPooling, LSTMPooling

CELLS = 3
CASES = list(
    itertools.product(
        [LSTMPooling, GRUPooling],
        [((1, 1, 1), 2), ((3, 5, 2), 1), ((2, 9, 4), 3)],  # batch, T, D; layers
        [False, True],  # backward
        ["last", "all"],
    )
)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(frame, states, kernel, bias):
    memory, output = states
    activations = np.concatenate([frame, output]) @ kernel + bias
    in_gate, candidate, forget_gate, out_gate = np.split(activations, 4)
    memory = sigmoid(forget_gate + 1) * memory + sigmoid(in_gate) * np.tanh(candidate)
    return [memory, sigmoid(out_gate) * np.tanh(memory)]


def gru_step(frame, states, gates_kernel, gates_bias, candidate_kernel, candidate_bias):
    (state,) = states
    gates = sigmoid(np.concatenate([frame, state]) @ gates_kernel + gates_bias)
    reset, update = np.split(gates, 2)
    candidate = np.tanh(np.concatenate([frame, reset * state]) @ candidate_kernel + candidate_bias)
    return [update * state + (1 - update) * candidate]


SLOW = {  # the step, the states, and the names of a layer's weights
    LSTMPooling: (lstm_step, 2, ("kernel", "bias")),
    GRUPooling: (gru_step, 1, ("gates_kernel", "gates_bias", "candidate_kernel", "candidate_bias")),
}


def read_slowly(layer, weights, frames, mask):
    step, num_states, names = SLOW[type(layer)]
    pooled = []
    for video, valid in zip(frames.astype("float64"), mask, strict=True):
        inputs = video[valid][::-1] if layer.backward else video[valid]
        everything = []
        for index in range(layer.num_layers):
            states, outputs = [np.zeros(CELLS)] * num_states, []
            for frame in inputs:
                states = step(frame, states, *(weights[f"{name}_{index}"] for name in names))
                outputs.append(states[-1])
            inputs = outputs
            everything += states
        pooled.append(everything[-1] if layer.state == "last" else np.concatenate(everything))
    return np.stack(pooled)


def random_weights(layer, rng):
    return {weight.name: rng.normal(size=weight.shape) for weight in layer.weights}


@pytest.mark.parametrize(("cls", "sizes", "backward", "state"), CASES)
def test_equals_the_slow_reference(cls, sizes, backward, state, rng, to_numpy, assign):
    shape, num_layers = sizes
    layer = cls(CELLS, num_layers, backward, state)
    layer.build(shape)
    weights = random_weights(layer, rng)
    assign(layer, **weights)
    batch, frames, _ = shape
    num_frames = rng.integers(1, frames + 1, batch)
    num_frames[-1] = 0 if batch > 1 else num_frames[-1]
    mask = np.arange(frames) < num_frames[:, None]
    videos = rng.normal(size=shape).astype("float32")
    pooled = to_numpy(layer(videos, mask=mask))
    np.testing.assert_allclose(
        pooled, read_slowly(layer, weights, videos, mask), rtol=1e-4, atol=1e-5
    )
    if batch > 1:
        assert not pooled[-1].any()


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("cls", SLOW)
def test_a_mask_may_have_gaps(cls, backward, rng, to_numpy, assign):
    layer = cls(CELLS, backward=backward)
    layer.build((4, 8, 2))
    weights = random_weights(layer, rng)
    assign(layer, **weights)
    videos = rng.normal(size=(4, 8, 2)).astype("float32")
    mask = rng.random((4, 8)) < 0.5
    np.testing.assert_allclose(
        to_numpy(layer(videos, mask=mask)),
        read_slowly(layer, weights, videos, mask),
        rtol=1e-4,
        atol=1e-5,
    )


def test_lstm_by_hand(to_numpy, assign):
    """One cell, weights and biases 0: σ(0) = 1/2, tanh(0) = 0, so that the state stays 0. A bias
    of 20 for the candidate and the gates in and out adds tanh(20) = 1 to what σ(1) of the memory
    is left: after two frames c = σ(1) + 1 = 1.7310586 and h = tanh(c) = 0.9391096.
    """
    layer = LSTMPooling(1, num_layers=1, state="all")
    layer.build((1, 2, 1))
    assign(layer, kernel_0=np.zeros((2, 4)), bias_0=np.zeros(4))
    assert not to_numpy(layer(np.ones((1, 2, 1), "float32"))).any()
    assign(layer, bias_0=np.array([20.0, 20.0, 0.0, 20.0]))
    pooled = to_numpy(layer(np.ones((1, 2, 1), "float32")))
    np.testing.assert_allclose(pooled, [[1.7310586, np.tanh(1.7310586)]], rtol=1e-6)


def test_gru_by_hand(to_numpy, assign):
    """One cell whose candidate is always tanh(20) = 1 and whose update gate is σ(0) = 1/2: the
    state is 1/2 after one frame and 3/4 after two.
    """
    layer = GRUPooling(1, num_layers=1)
    layer.build((1, 2, 1))
    zeros = np.zeros((2, 2))
    assign(layer, gates_kernel_0=zeros, gates_bias_0=zeros[0], candidate_kernel_0=zeros[:, :1])
    assign(layer, candidate_bias_0=np.array([20.0]))
    videos = np.ones((2, 2, 1), "float32")
    mask = np.array([[True, False], [True, True]])
    np.testing.assert_allclose(to_numpy(layer(videos, mask=mask)), [[0.5], [0.75]], rtol=1e-6)


def test_fresh_weights_are_those_of_the_originals(to_numpy):
    """Glorot: uniform up to √(6 / (rows + columns)) of the whole kernel, inputs and states."""
    lstm, gru = LSTMPooling(20), GRUPooling(20)
    for layer in (lstm, gru):
        layer.build((None, None, 30))
    limits = [
        (lstm.kernel_0, (50, 80)),
        (lstm.kernel_1, (40, 80)),
        (gru.gates_kernel_0, (50, 40)),
        (gru.candidate_kernel_0, (50, 20)),
        (gru.gates_kernel_1, (40, 40)),
        (gru.candidate_kernel_1, (40, 20)),
    ]
    for kernel, shape in limits:
        assert tuple(kernel.shape) == shape
        largest = np.abs(to_numpy(kernel)).max()
        limit = (6 / sum(shape)) ** 0.5
        assert 0.97 * limit < largest <= limit * (1 + 1e-6)
    biases = {weight.name: set(to_numpy(weight).ravel()) for weight in lstm.weights + gru.weights}
    for name, start in (("bias", 0), ("gates_bias", 1), ("candidate_bias", 0)):
        assert biases[f"{name}_0"] == biases[f"{name}_1"] == {start}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_states_are_float32_under_mixed_precision(policy, to_numpy, assign):
    """With an open gate in and nothing forgotten, 400 frames add tanh(0.03) each: c = 12.0. In
    bfloat16 it would stay at 8, from where numbers are 1/16 apart.
    """
    layer = LSTMPooling(1, num_layers=1, state="all", dtype=policy)
    layer.build((1, 400, 1))
    assign(layer, kernel_0=np.zeros((2, 4)), bias_0=np.array([20.0, 0.03, 20.0, -20.0]))
    pooled = layer(np.ones((1, 400, 1), "float32"))
    assert keras.backend.standardize_dtype(pooled.dtype) == layer.compute_dtype
    np.testing.assert_allclose(to_numpy(pooled)[0, 0], 400 * np.tanh(0.03), rtol=0.01)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's XLA")
@pytest.mark.parametrize("cls", SLOW)
def test_compiled_gradients_with_unknown_sizes(cls, rng):
    """XLA compiles the step of training for any number of videos and frames."""
    import tensorflow as tf

    layer = cls(CELLS, backward=True)
    layer.build((None, None, 4))
    variables = [weight.value for weight in layer.trainable_weights]

    def gradients(videos, mask):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(layer(videos, mask=mask, training=True)))
        return tape.gradient(loss, variables)

    signature = [tf.TensorSpec((None, None, 4)), tf.TensorSpec((None, None), tf.bool)]
    compiled = tf.function(gradients, input_signature=signature, jit_compile=True)
    for batch, frames in ((2, 5), (3, 7)):
        videos = tf.constant(rng.normal(size=(batch, frames, 4)).astype("float32"))
        mask = tf.sequence_mask(tf.constant([0, frames - 1, frames][:batch]), frames)
        for actual, expected in zip(compiled(videos, mask), gradients(videos, mask), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="about JAX's jit")
@pytest.mark.parametrize("cls", SLOW)
def test_jit(cls, rng):
    import jax

    layer = cls(CELLS)
    videos = rng.normal(size=(2, 5, 4)).astype("float32")
    mask = np.arange(5) < np.array([[3], [5]])
    expected = layer(videos, mask=mask)
    compiled = jax.jit(lambda videos, mask: layer(videos, mask=mask))
    np.testing.assert_allclose(compiled(videos, mask), expected, rtol=1e-5)


def test_the_number_of_frames_may_be_unknown():
    frames = keras.Input((None, 4))
    assert LSTMPooling(CELLS, state="all")(frames).shape == (None, 4 * CELLS)
    assert GRUPooling(CELLS, state="all")(frames).shape == (None, 2 * CELLS)
    assert ops.shape(GRUPooling(CELLS)(frames))[-1] == CELLS


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LSTMPooling(0), "cells must be at least 1; received 0"),
        (lambda: GRUPooling(3, num_layers=-1), "num_layers must be at least 1; received -1"),
        (lambda: GRUPooling(3, state="first"), "state must be one of .* received 'first'"),
    ],
)
def test_wrong_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
