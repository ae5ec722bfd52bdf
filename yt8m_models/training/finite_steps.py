"""Noticing a step whose loss or gradients were not finite."""

from collections.abc import Callable
from typing import NoReturn

import tensorflow as tf


class FiniteSteps:
    """Remembers whether steps were finite, to ask the device once for many of them.

    Args:
        learning_rate: that of a step, counted from 1.
    """

    def __init__(self, learning_rate: Callable[[int], float]) -> None:
        self._learning_rate = learning_rate
        self._pending: list[tf.Tensor] = []

    def add(self, is_finite: tf.Tensor) -> None:
        """Remembers a step."""
        self._pending.append(is_finite)

    def check(self, step: int, checkpoint: str | None) -> None:
        """Looks at the steps since the last check.

        Args:
            step: the last of them.
            checkpoint: the last good one, or `None`.

        Raises:
            ValueError: one was not finite.
        """
        is_finite = [bool(value) for value in self._pending]
        self._pending.clear()
        if not all(is_finite):
            self.fail(step - len(is_finite) + 1 + is_finite.index(False), checkpoint)

    def fail(self, step: int, checkpoint: str | None) -> NoReturn:
        """Raises the `ValueError` about a step."""
        rate = self._learning_rate(step)
        last_good = f"is {checkpoint}" if checkpoint else "does not exist yet"
        raise ValueError(
            f"the loss, a gradient or a weight became infinite or not a number at step {step} "
            f"(learning rate {rate:g}); the last good checkpoint {last_good}. Try a lower "
            f"--base_learning_rate, such as {rate / 10:g}"
        )
