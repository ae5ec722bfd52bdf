"""What the classification losses share: weights, the sum over classes, the mean over videos."""

from typing import Any

import keras
from keras import ops


class ClassificationLoss(keras.losses.Loss):
    """Base of the losses: per-class terms, summed over classes, averaged over videos.

    ```
    loss = mean over videos of  video_weight · Σ_c label_weight_c · term_c(labels, predictions)
    ```

    A subclass gives `terms`. The computation is in float32 whatever the inputs are. Under a
    `tf.distribute` strategy the mean is over the videos of one replica, divided by the number of
    replicas (as in every Keras loss), so that the sum over replicas is the mean over all videos.

    Args:
        reduction: as in `keras.losses.Loss`: `"sum_over_batch_size"` for the mean over videos,
            `"sum"`, or `"none"` for the losses of the single videos, `(batch,)`.
        name: name of the loss; the class's name in snake case unless given.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype="float32")

    def terms(self, labels: Any, predictions: Any) -> Any:
        """The loss of each video and class, `(batch, num_classes)`; both arguments are float32."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch.

        Args:
            y_true: labels `(batch, num_classes)`, multi-hot; bool, integer or floating.
            y_pred: predictions, or logits where the loss takes them, `(batch, num_classes)`.
            sample_weight: `(batch, num_classes)` for `label_weights` of each video and class (0
                leaves an unrated pair out); `(batch,)` or `(batch, 1)` for weights of videos; or a
                scalar.

        Returns:
            A float32 scalar; `(batch,)` with `reduction="none"`.

        Raises:
            ValueError: labels or label weights have another shape than the predictions.
        """
        labels = ops.cast(ops.convert_to_tensor(y_true), self.dtype)
        predictions = ops.convert_to_tensor(y_pred)
        _check_shape("labels", labels, predictions)
        if sample_weight is None:
            return super().__call__(labels, predictions)
        weights = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
        if len(weights.shape) != 2 or weights.shape[-1] == 1:
            return super().__call__(labels, predictions, weights)
        _check_shape("label_weights", weights, predictions)
        return super().__call__((labels, weights), predictions)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses of the videos, `(batch,)`; `y_true` is labels or `(labels, label_weights)`."""
        if isinstance(y_true, tuple):
            labels, label_weights = y_true
            return ops.sum(self.terms(labels, y_pred) * label_weights, axis=-1)
        return ops.sum(self.terms(y_true, y_pred), axis=-1)


def _check_shape(name: str, values: Any, predictions: Any) -> None:
    """Raises a `ValueError` unless both have two dimensions, which agree where both are known."""
    shape, expected = tuple(values.shape), tuple(predictions.shape)
    pairs = zip(shape, expected, strict=False)
    agree = all(size == other or None in (size, other) for size, other in pairs)
    if not len(shape) == len(expected) == 2 or not agree:
        raise ValueError(
            f"{name} and predictions must both have the shape (batch, num_classes); "
            f"received {shape} and {expected}"
        )
