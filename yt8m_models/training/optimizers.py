"""The optimizers that `--optimizer` names."""

from collections.abc import Callable
from typing import Any

from keras import optimizers

from yt8m_models.program.option import closest

# TensorFlow 1's names keep TensorFlow 1's constants; the names of Keras keep those of Keras.
_BUILDERS: dict[str, Callable[[Any], Any]] = {
    "AdamOptimizer": lambda rate: optimizers.Adam(rate, epsilon=1e-8),
    "AdamWOptimizer": lambda rate: optimizers.AdamW(rate, weight_decay=0.01, epsilon=1e-8),
    "GradientDescentOptimizer": lambda rate: optimizers.SGD(rate),
    "MomentumOptimizer": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "AdagradOptimizer": lambda rate: optimizers.Adagrad(rate, initial_accumulator_value=0.1),
    "RMSPropOptimizer": lambda rate: optimizers.RMSprop(rate, rho=0.9, epsilon=1e-10),
    "Adam": lambda rate: optimizers.Adam(rate),
    "AdamW": lambda rate: optimizers.AdamW(rate),
    "SGD": lambda rate: optimizers.SGD(rate),
    "Adagrad": lambda rate: optimizers.Adagrad(rate),
    "RMSprop": lambda rate: optimizers.RMSprop(rate),
    "Lion": lambda rate: optimizers.Lion(rate),
}

NAMES = tuple(_BUILDERS)


def create_optimizer(name: str, learning_rate: Any) -> optimizers.Optimizer:
    """A new optimizer.

    Args:
        name: one of `NAMES`.
        learning_rate: a number, or a schedule of Keras.

    Raises:
        ValueError: `name` is not one of `NAMES`.
    """
    if name not in _BUILDERS:
        raise ValueError(f"unknown optimizer {name!r}: {closest(name, NAMES)}")
    optimizer: optimizers.Optimizer = _BUILDERS[name](learning_rate)
    return optimizer
