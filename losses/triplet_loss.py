"""What the triplet losses share: the margin, the mask, the mean over triplets."""

import math
from typing import Any

import keras
from keras import ops


class TripletLoss(keras.losses.Loss):
    """Base of the losses of triplets: an anchor is to be nearer to its positive than to a negative.

    ```
    loss = mean over triplets of  term(d_ap - d_an + margin)
    ```

    with the squared distances `d_ap = |f(a) - f(p)|²` and `d_an = |f(a) - f(n)|²`. A subclass gives
    `terms`. The computation is in float32 whatever the inputs are. Under a `tf.distribute` strategy
    the mean is over the triplets of one replica, divided by the number of replicas, as in every
    Keras loss.

    Args:
        margin: α, at least 0.
        reduction: as in `keras.losses.Loss`: `"sum_over_batch_size"` for the mean over triplets,
            `"sum"`, or `"none"` for the losses of the single triplets, `(batch,)`.
        name: name of the loss; the class's name in snake case unless given.

    Raises:
        ValueError: `margin` is negative or not finite.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018).
    """

    def __init__(
        self,
        margin: float = 0.2,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        if not 0 <= margin < math.inf:
            raise ValueError(f"margin must be at least 0 and finite; received {margin}")
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.margin = margin

    def terms(self, violations: Any) -> Any:
        """The loss of each triplet from `d_ap - d_an + margin`, both float32 `(batch,)`."""
        raise NotImplementedError

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        """The loss of a batch of triplets.

        Args:
            y_true: squared distances of anchors and positives `(batch,)`.
            y_pred: squared distances of anchors and negatives `(batch,)`.
            sample_weight: weights of the triplets `(batch,)`, or a scalar.
            mask: bool `(batch,)`: false leaves a triplet out of the sum and of the number that the
                mean divides by, whatever its distances are. Of no triplets at all the loss is 0.

        Returns:
            A float32 scalar; `(batch,)` with `reduction="none"`.

        Raises:
            ValueError: the distances or the mask are not of one shape `(batch,)`.
        """
        positive = ops.cast(ops.convert_to_tensor(y_true), self.dtype)
        negative = ops.cast(ops.convert_to_tensor(y_pred), self.dtype)
        _check_shape("distances of negatives", negative, positive)
        if mask is None:
            return super().__call__(positive, negative, sample_weight)
        mask = ops.cast(ops.convert_to_tensor(mask), "bool")
        _check_shape("mask", mask, positive)
        weights = ops.cast(mask, self.dtype)
        if self.reduction == "sum_over_batch_size":
            # The base class divides by the size of the batch.
            size = ops.cast(ops.shape(weights)[0], self.dtype)
            weights = weights * (size / ops.maximum(ops.sum(weights), 1))
        if sample_weight is not None:
            weights = weights * ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
        positive, negative = ops.where(mask, positive, 0.0), ops.where(mask, negative, 0.0)
        return super().__call__(positive, negative, weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses of the triplets, `(batch,)`."""
        return self.terms(y_true - y_pred + self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}


def _check_shape(name: str, values: Any, positive: Any) -> None:
    """Raises a `ValueError` unless both have one dimension, of one size where both are known."""
    shape, expected = tuple(values.shape), tuple(positive.shape)
    agree = len({*shape, *expected} - {None}) <= 1
    if not len(shape) == len(expected) == 1 or not agree:
        raise ValueError(
            f"distances of positives and {name} must both have the shape (batch,); "
            f"received {expected} and {shape}"
        )
