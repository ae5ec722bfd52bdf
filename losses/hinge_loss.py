"""Hinge loss of independent classes."""

from typing import Any

import keras
from keras import ops

from losses.classification_loss import ClassificationLoss


@keras.saving.register_keras_serializable(package="yt8m_models")
class HingeLoss(ClassificationLoss):
    """Hinge loss of independent classes, summed over classes, averaged over videos.

    ```
    term = max(0, b - (2y - 1) p)
    ```

    Args:
        b: the margin. Predictions trained with `b=1` lie between -1 and 1.
        reduction: see `ClassificationLoss`.
        name: name of the loss.

    Source: `HingeLoss` of the YouTube-8M starter code.

    Example:
        >>> float(HingeLoss()([[1, 0]], [[0.5, 0.5]]))  # (1 - 0.5) + (1 + 0.5)
        2.0
    """

    def __init__(
        self, b: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.b = b

    def terms(self, labels: Any, predictions: Any) -> Any:
        return ops.relu(self.b - (2 * labels - 1) * predictions)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "b": self.b}
