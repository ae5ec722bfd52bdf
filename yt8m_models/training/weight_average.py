"""An exponential moving average of a model's weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf


class WeightAverage(tf.Module):  # type: ignore[misc]
    """Averages of the trained weights over the steps, to validate and to predict with.

    After t steps `a_t = a_{t-1} + (1 - d) / (1 - d^t) (w_t - a_{t-1})`, the exponential moving
    average with decay d, corrected for its start, as Adam's moments are.

    Args:
        model: a built model.
        decay: d, within (0, 1).
    """

    def __init__(self, model: keras.Model, decay: float = 0.999) -> None:
        super().__init__()
        self._weights = [variable.value for variable in model.trainable_variables]
        self.decay = decay
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.averages = [
            tf.Variable(weight, trainable=False, aggregation=first) for weight in self._weights
        ]

    def update(self, step: tf.Tensor) -> None:
        """Takes in the weights after a step, counted from 1."""
        decay = tf.constant(self.decay)
        share = (1.0 - decay) / (1.0 - decay ** tf.cast(step, tf.float32))
        for average, weight in zip(self.averages, self._weights, strict=True):
            average.assign_add(share * (weight - average))

    def restart(self) -> None:
        """Begins anew, from the weights as they are."""
        for average, weight in zip(self.averages, self._weights, strict=True):
            average.assign(weight)

    def apply(self) -> None:
        """Makes the averages the model's weights."""
        for average, weight in zip(self.averages, self._weights, strict=True):
            weight.assign(average)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the model has the averages as its weights."""
        weights = [weight.numpy() for weight in self._weights]
        self.apply()
        try:
            yield
        finally:
            for weight, value in zip(self._weights, weights, strict=True):
                weight.assign(value)
