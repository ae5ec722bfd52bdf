"""Tests of yt8m_models.training.rprop: against a slow reference, by hand, saved and restored."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.rprop import RPROP


def reference(start, gradients, rate, decrease=0.5, increase=1.2, smallest=1e-6, largest=50.0):
    """The weights after each gradient, weight by weight, in float64."""
    weights = np.array(start, np.float64)
    steps, previous = np.full(weights.shape, rate), np.zeros(weights.shape)
    history = []
    for gradient in gradients:
        for i, value in np.ndenumerate(gradient):
            agreement = np.sign(value) * np.sign(previous[i])
            if agreement > 0:
                steps[i] = min(steps[i] * increase, largest)
            if agreement < 0:
                steps[i] = max(steps[i] * decrease, smallest)
                value = 0.0
            weights[i] -= np.sign(value) * steps[i]
            previous[i] = value
        history.append(weights.copy())
    return np.array(history)


def apply(optimizer, start, gradients, compiled=False):
    variable = keras.Variable(np.asarray(start, np.float32))
    optimizer.build([variable])
    step = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
    history = []
    for gradient in gradients:
        gradient = tf.constant(gradient, tf.float32)
        if compiled:
            step(gradient)
        else:
            optimizer.apply([gradient], [variable])
        history.append(variable.numpy())
    return np.array(history)


def random_gradients(seed, steps=60, shape=(5, 3)):
    """Normal ones, some of them 0."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, *shape)) * (rng.random((steps, *shape)) > 0.15)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"decrease": 0.3, "increase": 1.9}, {"smallest_step": 0.004, "largest_step": 0.03}],
)
def test_steps_are_those_of_the_reference(options, compiled):
    start, gradients = np.random.default_rng(1).normal(size=(5, 3)), random_gradients(2)
    names = {"smallest_step": "smallest", "largest_step": "largest"}
    expected = reference(
        start, gradients, 0.01, **{names.get(name, name): value for name, value in options.items()}
    )
    received = apply(RPROP(0.01, **options), start, gradients, compiled)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6)


def test_by_hand():
    # Δ = 0.1: w = 1 - 0.1; same sign: Δ = 0.12, w = 0.78; other sign: Δ = 0.06 and w rests;
    # the gradient before counts as 0, so Δ stays: w = 0.78 + 0.06; same sign: Δ = 0.072.
    received = apply(RPROP(0.1), [1.0], [[3.0], [0.2], [-5.0], [-1.0], [-9.0]])
    np.testing.assert_allclose(received[:, 0], [0.9, 0.78, 0.78, 0.84, 0.912], rtol=1e-6)


def test_tiny_gradients_count_by_their_sign():
    # Their product, 1e-60, is 0 in float32.
    received = apply(RPROP(0.1), [1.0], [[1e-30], [1e-30]])
    np.testing.assert_allclose(received[:, 0], [0.9, 0.78], rtol=1e-6)


def test_a_quadratic_bowl_of_very_different_curvatures():
    """Signs alone matter, so that a factor of 1e6 between curvatures costs nothing."""
    curvatures, minimum = np.float32([1e3, 1.0, 1e-3]), np.float32([0.3, -2.0, 5.0])
    variable, optimizer = keras.Variable(np.zeros(3, np.float32)), RPROP(0.1)
    for _ in range(100):
        optimizer.apply([curvatures * (variable - minimum)], [variable])
    np.testing.assert_allclose(variable.numpy(), minimum, atol=1e-4)


def test_it_survives_its_config():
    optimizer = RPROP(0.2, 0.4, 1.3, 1e-5, 7.0, name="full_batch")
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, RPROP)
    assert copy.get_config() == optimizer.get_config()
    gradients = random_gradients(3, steps=9)
    np.testing.assert_array_equal(
        apply(copy, np.zeros((5, 3)), gradients), apply(optimizer, np.zeros((5, 3)), gradients)
    )


def test_a_checkpoint_holds_its_state(tmp_path):
    start, gradients = np.zeros((5, 3)), random_gradients(4, steps=20)
    expected = apply(RPROP(0.01), start, gradients)
    variable, optimizer = keras.Variable(np.zeros((5, 3), np.float32)), RPROP(0.01)
    optimizer.build([variable])
    for gradient in gradients[:12]:
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
    Checkpoints(str(tmp_path), 1, variable=variable.value, rprop=optimizer).save(12)

    variable, optimizer = keras.Variable(np.ones((5, 3), np.float32)), RPROP(0.01)
    optimizer.build([variable])
    Checkpoints(str(tmp_path), 1, variable=variable.value, rprop=optimizer).restore_latest()
    assert int(optimizer.iterations) == 12
    for gradient in gradients[12:]:
        optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
    np.testing.assert_array_equal(variable.numpy(), expected[-1])


def test_it_works_with_compile_and_fit(tmp_path):
    """With full batches in `fit`; a saved model goes on where it was."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(64, 4)).astype(np.float32)
    y = x @ np.float32([[1.0], [-2.0], [0.5], [3.0]])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(RPROP(0.01), "mse")
    losses = model.fit(x, y, batch_size=64, epochs=60, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < 1e-3 * losses[0]
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    for saved, loaded in zip(model.optimizer.variables, copy.optimizer.variables, strict=True):
        np.testing.assert_array_equal(saved.numpy(), loaded.numpy())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be a positive number; received 0.0"),
        (
            {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)},
            "learning_rate must be a positive number",
        ),
        ({"decrease": 1.0}, "decrease must be between 0 and 1, and increase above 1; received 1.0"),
        ({"increase": 0.9}, "increase above 1; received 0.5 and 0.9"),
        ({"smallest_step": 3.0, "largest_step": 2.0}, "at most largest_step; received 3.0 and 2.0"),
    ],
)
def test_numbers_outside_their_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RPROP(**options)
