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
