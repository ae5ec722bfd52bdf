"""What the tests of layers share; they run on every Keras backend."""

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(7)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def to_numpy():
    """Converts tensors of any backend, also low-precision ones, to float64 arrays."""
    return lambda tensor: np.asarray(
        keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), dtype=np.float64
    )


@pytest.fixture
def assign():
    """Sets weights by name, e.g. `assign(layer, means=array)`; returns the layer."""

    def assign_by_name(layer, **values):
        weights = {weight.name: weight for weight in layer.weights}
        for name, value in values.items():
            weights[name].assign(value)
        return layer

    return assign_by_name


@pytest.fixture
def gradients():
    """`gradients(layer, loss)`: of `loss()` for each trainable weight, as arrays."""

    def tensorflow_gradients(layer, loss):
        import tensorflow as tf

        weights = [weight.value for weight in layer.trainable_weights]
        with tf.GradientTape() as tape:
            value = loss()
        return [np.asarray(gradient) for gradient in tape.gradient(value, weights)]

    def jax_gradients(layer, loss):
        import jax

        def loss_of(values):
            mapping = list(zip(layer.trainable_weights, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return loss()

        values = [weight.value for weight in layer.trainable_weights]
        return [np.asarray(gradient) for gradient in jax.grad(loss_of)(values)]

    return {"tensorflow": tensorflow_gradients, "jax": jax_gradients}[keras.backend.backend()]
