"""Resilient backpropagation, for gradients of the whole training set."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="yt8m_models")
class RPROP(keras.optimizers.Optimizer):
    """Steps whose size depends on the signs of a weight's gradients alone.

    With `s = g_t · g_{t-1}` of a weight, element by element:

    ```
    s > 0:  Δ ← min(Δ · increase, largest_step)
    s < 0:  Δ ← max(Δ · decrease, smallest_step),  g_t ← 0
    w ← w - sign(g_t) · Δ
    ```

    So after a change of sign a weight rests for one step, and the step after it has the smaller
    size. This is `torch.optim.Rprop`, and iRprop- of Igel and Hüsken. The signs mean something for
    gradients of all examples together; those of small batches change by chance.

    Args:
        learning_rate: Δ of the first step; a number, since steps find their own size from there.
        decrease: η⁻, between 0 and 1.
        increase: η⁺, above 1.
        smallest_step: least Δ.
        largest_step: greatest Δ.
        name: name of the optimizer.
        **kwargs: of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: a number is outside its range, or `learning_rate` is not one.

    Reference: Riedmiller and Braun, A direct adaptive method for faster backpropagation learning
    (1993); Igel and Hüsken, Improving the Rprop learning algorithm (2000).

    Example:
        >>> optimizer = RPROP(1e-3)
        >>> optimizer.apply(gradients_of_all_examples, variables)
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        decrease: float = 0.5,
        increase: float = 1.2,
        smallest_step: float = 1e-6,
        largest_step: float = 50.0,
        name: str = "rprop",
        **kwargs: Any,
    ) -> None:
        if not isinstance(learning_rate, int | float) or not 0 < learning_rate < math.inf:
            raise ValueError(f"learning_rate must be a positive number; received {learning_rate}")
        if not 0 < decrease < 1 < increase < math.inf:
            raise ValueError(
                "decrease must be between 0 and 1, and increase above 1; "
                f"received {decrease} and {increase}"
            )
        if not 0 <= smallest_step <= largest_step < math.inf:
            raise ValueError(
                "smallest_step must be at least 0, and at most largest_step; "
                f"received {smallest_step} and {largest_step}"
            )
        super().__init__(learning_rate=float(learning_rate), name=name, **kwargs)
        self.first_step = float(learning_rate)
        self.decrease = decrease
        self.increase = increase
        self.smallest_step = smallest_step
        self.largest_step = largest_step

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        first_step = keras.initializers.Constant(self.first_step)
        self._steps = [
            self.add_variable_from_reference(variable, "step", initializer=first_step)
            for variable in variables
        ]
        self._gradients = [
            self.add_variable_from_reference(variable, "gradient") for variable in variables
        ]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        step, previous = self._steps[index], self._gradients[index]
        gradient = ops.cast(gradient, variable.dtype)
        # The product of the signs: that of the gradients can underflow.
        agreement = ops.sign(gradient) * ops.sign(previous)
        factor = ops.where(
            agreement > 0, self.increase, ops.where(agreement < 0, self.decrease, 1.0)
        )
        size = ops.clip(
            step * ops.cast(factor, variable.dtype), self.smallest_step, self.largest_step
        )
        gradient = ops.where(agreement < 0, ops.zeros_like(gradient), gradient)
        self.assign(step, size)
        self.assign(previous, gradient)
        self.assign_sub(variable, ops.sign(gradient) * size)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate": self.first_step,
            "decrease": self.decrease,
            "increase": self.increase,
            "smallest_step": self.smallest_step,
            "largest_step": self.largest_step,
        }
