"""The starter code's learning-rate schedule."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="yt8m_models")
class StaircaseDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls by a factor after every so many videos.

    `base · decay ^ ⌊step · global_batch_size / decay_examples⌋`, exact at every step: the quotient
    is one of integers.

    Args:
        base: the learning rate of the first step.
        decay: the factor.
        decay_examples: videos between two falls.
        global_batch_size: videos in a step, over all replicas.

    Attributes:
        start: steps before the optimizer's first, where it began anew with a trained model.

    Example:
        >>> StaircaseDecay(0.01, 0.95, 4_000_000, 1024)(step)
    """

    def __init__(
        self, base: float, decay: float, decay_examples: int, global_batch_size: int
    ) -> None:
        super().__init__()
        self.base = base
        self.decay = decay
        self.decay_examples = decay_examples
        self.global_batch_size = global_batch_size
        self.start = 0

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        examples = (ops.cast(step, "int64") + self.start) * self.global_batch_size
        falls = ops.cast(examples // self.decay_examples, "float32")
        return self.base * ops.power(ops.cast(self.decay, "float32"), falls)

    def get_config(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "decay": self.decay,
            "decay_examples": self.decay_examples,
            "global_batch_size": self.global_batch_size,
        }
