"""`WideDense` equals `keras.layers.Dense` above and below the width at which it works in pieces."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import wide_dense
from yt8m_models.layers.wide_dense import WideDense

WIDE = 2**17
BY_XLA = keras.backend.backend() != "torch"


@pytest.fixture
def piece_counts(monkeypatch):
    """How many pieces each product was taken in."""
    counts, product = [], wide_dense._product_in_pieces

    def counted(inputs, kernel, count):
        counts.append(count)
        return product(inputs, kernel, count)

    monkeypatch.setattr(wide_dense, "_product_in_pieces", counted)
    return counts


@pytest.mark.parametrize(
    ("features", "pieces"), [(WIDE, [128]), (WIDE + 133, [15]), (WIDE - 1024, [])]
)
def test_equals_dense(features, pieces, rng, to_numpy, piece_counts):
    inputs = rng.normal(size=(3, features)).astype("float32")
    layer = WideDense(2, activation="tanh", bias_initializer="random_normal")
    outputs = to_numpy(layer(inputs, training=True))
    kernel, bias = (to_numpy(weight) for weight in layer.weights)
    np.testing.assert_allclose(outputs, np.tanh(inputs @ kernel + bias), rtol=1e-4, atol=1e-5)
    assert piece_counts == (pieces if BY_XLA else [])


def test_gradients_of_weights_and_inputs(rng, to_numpy, gradients, piece_counts):
    class Scaled(keras.layers.Layer):
        """The dense layer after a weight for each input, whose gradient shows the inputs'."""

        def __init__(self):
            super().__init__()
            self.dense = WideDense(2)

        def build(self, shape):
            self.scales = self.add_weight(name="scales", shape=shape[1:], initializer="ones")
            self.dense.build(shape)

        def call(self, inputs):
            return self.dense(inputs * self.scales, training=True)

    inputs = rng.normal(size=(3, WIDE)).astype("float32")
    upstream = rng.normal(size=(3, 2)).astype("float32")
    layer = Scaled()
    layer.build(inputs.shape)
    found = gradients(layer, lambda: ops.sum(ops.multiply(layer(inputs), upstream)))
    kernel = to_numpy(layer.dense.kernel)
    expected = {
        "scales": (inputs * (upstream @ kernel.T)).sum(axis=0),
        "kernel": inputs.T @ upstream,
        "bias": upstream.sum(axis=0),
    }
    for weight, gradient in zip(layer.trainable_weights, found, strict=True):
        np.testing.assert_allclose(gradient, expected[weight.name], rtol=1e-4, atol=1e-5)
    assert bool(piece_counts) == BY_XLA


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_sums_pieces_in_float32(dtype, rng, to_numpy):
    inputs = rng.normal(size=(3, WIDE)).astype("float32")
    layer = WideDense(2, dtype=dtype)
    outputs = layer(inputs, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == layer.compute_dtype
    expected = inputs.astype("float64") @ to_numpy(layer.kernel)
    np.testing.assert_allclose(to_numpy(outputs), expected, atol=0.03)


def test_a_batch_of_any_size(rng):
    inputs = keras.Input((WIDE,))
    layer = WideDense(2)
    model = keras.Model(inputs, layer(inputs, training=True))
    assert model.output.shape == (None, 2)
    for batch in (1, 4):
        values = rng.normal(size=(batch, WIDE)).astype("float32")
        np.testing.assert_allclose(
            ops.convert_to_numpy(model(values)),
            ops.convert_to_numpy(layer(values, training=True)),
            rtol=1e-6,
        )


def test_other_devices_and_inference_take_it_at_once(rng, monkeypatch, piece_counts):
    layer, inputs = WideDense(2), rng.normal(size=(3, WIDE)).astype("float32")
    layer(inputs)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    layer(inputs, training=True)
    assert piece_counts == []
