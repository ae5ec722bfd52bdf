"""Tests of yt8m_models.training.optimizers: one step each, against formulas."""

import keras
import numpy as np
import pytest

from yt8m_models.training import config
from yt8m_models.training.optimizers import NAMES, create_optimizer


def steps(name, gradients, rate=0.1, start=1.0):
    variable = keras.Variable(np.float32([start]))
    optimizer = create_optimizer(name, rate)
    optimizer.build([variable])
    values = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(np.float32([gradient]))], [variable])
        values.append(float(variable.numpy()[0]))
    return values


def test_the_flags_names_are_those_that_exist():
    assert set(NAMES) == set(config.OPTIMIZERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_goes_down(name):
    assert steps(name, [2.0], rate=0.01)[0] < 1.0


def test_gradient_descent():
    # 1 - 0.1 · 2, then - 0.1 · 3
    assert steps("GradientDescentOptimizer", [2.0, 3.0]) == pytest.approx([0.8, 0.5])


def test_momentum():
    # m = -0.2, then 0.9 · -0.2 - 0.3 = -0.48
    assert steps("MomentumOptimizer", [2.0, 3.0]) == pytest.approx([0.8, 0.32])


def test_adagrad():
    # accumulator 0.1 + 4, step 0.1 · 2 / sqrt(4.1)
    assert steps("AdagradOptimizer", [2.0]) == pytest.approx([1 - 0.2 / 4.1**0.5], rel=1e-5)


def test_rms_prop():
    # mean square 0.1 · 4, step 0.1 · 2 / sqrt(0.4)
    assert steps("RMSPropOptimizer", [2.0]) == pytest.approx([1 - 0.2 / 0.4**0.5], rel=1e-5)


def test_adam_has_the_epsilon_of_tensorflow_1():
    # A gradient near epsilon tells them apart: lr · m̂ / (√v̂ + ε'), with
    # m = 0.1 g, v = 0.001 g², and ε added to √v: α = lr √0.001 / 0.1.
    gradient, alpha = 1e-7, 0.1 * 0.001**0.5 / 0.1
    expected = alpha * 0.1 * gradient / ((0.001 * gradient**2) ** 0.5 + 1e-8)
    assert 1 - steps("AdamOptimizer", [gradient])[0] == pytest.approx(expected, rel=1e-4)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean AdamOptimizer"):
        create_optimizer("AdamOptimiser", 0.1)
