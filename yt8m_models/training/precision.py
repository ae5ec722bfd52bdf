"""The numbers that a model computes with in training."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

POLICIES = {"none": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_FINITE_STEPS_TO_DOUBLE = 2000


@contextlib.contextmanager
def mixed_precision(name: str) -> Iterator[None]:
    """Layers made in this context compute in `name`, a key of `POLICIES`; weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[name])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class LossScale(tf.Module):  # type: ignore[misc]
    """A factor of the loss by which gradients in float16 stay above its smallest number.

    It is halved after a step with an infinite gradient, which is not taken, and doubled after 2,000
    steps without one.

    Args:
        initial: the factor at the start.
    """

    def __init__(self, initial: float = 2.0**15) -> None:
        super().__init__()
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.factor = tf.Variable(initial, trainable=False, aggregation=first)
        self.finite_steps = tf.Variable(0, trainable=False, aggregation=first)

    def update(self, is_finite: tf.Tensor) -> None:
        """Adapts to a step whose gradients were all finite, or not: bool, scalar."""
        steps = tf.where(is_finite, self.finite_steps + 1, 0)
        is_due = steps == _FINITE_STEPS_TO_DOUBLE
        change = tf.where(is_finite, tf.where(is_due, 2.0, 1.0), 0.5)
        self.factor.assign(self.factor * change)
        self.finite_steps.assign(tf.where(is_due, 0, steps))
