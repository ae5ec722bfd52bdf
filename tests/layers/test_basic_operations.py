"""Layers within `only_basic_operations` give what they give outside of it."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import CoupledAssignment, GRUPooling, LSTMPooling
from yt8m_models.layers.basic_operations import are_operations_basic, only_basic_operations


@pytest.mark.parametrize(
    "assignment", ["uniform_priors", "spherical", "shared_diagonal", "diagonal"]
)
def test_coupled_assignments(assignment, rng, to_numpy):
    """At D = 256 and σ = 1, exponents are some hundreds, and float32 rounds them by 1e-5."""
    layer = CoupledAssignment(8, assignment)
    frames = rng.normal(size=(2, 5, 256)).astype("float32")
    mask = np.array([[True] * 5, [True] * 2 + [False] * 3])
    layer(frames, mask=mask)
    for weight in layer.weights:
        noise = rng.normal(size=weight.shape) * (0.1 if weight.name == "log_scales" else 1)
        weight.assign(noise / (16 if weight.name == "means" else 1))
    expected = to_numpy(layer(frames, mask=mask))
    with only_basic_operations():
        found = to_numpy(layer(frames, mask=mask))
    assert expected[0].max(axis=-1).min() < 0.999  # not all posteriors are 0 or 1
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert not found[1, 2:].any()


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("state", ["last", "all"])
@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("kind", [LSTMPooling, GRUPooling])
def test_recurrent_pooling(kind, backward, state, masked, rng, to_numpy):
    layer = kind(3, num_layers=3, backward=backward, state=state)
    frames = rng.normal(size=(3, 6, 4)).astype("float32")
    mask = ops.convert_to_tensor(np.arange(6) < np.array([[6], [2], [0]])) if masked else None
    expected = to_numpy(layer(frames, mask=mask))
    with only_basic_operations():
        found = to_numpy(layer(frames, mask=mask))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="looks at TensorFlow's graph")
@pytest.mark.parametrize("layer", [CoupledAssignment(3, "diagonal"), LSTMPooling(3)])
def test_operations_of_frames(layer):
    """No list of tensors, and nothing in float64 that the frames go into."""
    import tensorflow as tf

    layer.build((None, None, 4))
    frames, mask = tf.TensorSpec((None, None, 4)), tf.TensorSpec((None, None), tf.bool)

    def operations():
        function = tf.function(lambda frames, mask: layer(frames, mask=mask), autograph=False)
        graph = function.get_concrete_function(frames, mask).graph
        return [
            node.type
            for node in graph.get_operations()
            if "TensorList" in node.type
            or any(each.dtype == tf.float64 and each.shape.rank == 3 for each in node.outputs)
        ]

    assert operations()
    with only_basic_operations():
        assert not operations()
    assert not are_operations_basic()
