"""Cross entropy of independent classes."""

from typing import Any

import keras
from keras import ops

from losses.classification_loss import ClassificationLoss


@keras.saving.register_keras_serializable(package="yt8m_models")
class CrossEntropyLoss(ClassificationLoss):
    """Cross entropy of independent classes, summed over classes, averaged over videos.

    ```
    term = -(y log(p + epsilon) + (1 - y) log(1 - p + epsilon))
    ```

    With `from_logits` the model's outputs are logits z, and `sigmoid(z)` and `sigmoid(-z)` stand
    for p and 1 - p: the same value, without the cancellation in 1 - p. `epsilon=0` is the exact
    cross entropy, `y softplus(-z) + (1 - y) softplus(z)`, and needs logits.

    Args:
        from_logits: whether the model's outputs are logits instead of probabilities.
        epsilon: bounds the loss of a wrong, certain prediction; 1e-5 in the starter code.
        reduction: see `ClassificationLoss`.
        name: name of the loss.

    Raises:
        ValueError: `epsilon` is negative, or 0 without `from_logits`.

    Source: `CrossEntropyLoss` of the YouTube-8M starter code.

    Example:
        >>> float(CrossEntropyLoss()([[1, 0]], [[0.5, 0.5]]))  # 2 log 2
        1.386...
    """

    def __init__(
        self,
        from_logits: bool = False,
        epsilon: float = 1e-5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        if epsilon < 0 or (epsilon == 0 and not from_logits):
            raise ValueError(
                "epsilon must be positive, or 0 with from_logits=True; "
                f"received epsilon={epsilon} and from_logits={from_logits}"
            )
        super().__init__(reduction=reduction, name=name)
        self.from_logits = from_logits
        self.epsilon = epsilon

    def terms(self, labels: Any, predictions: Any) -> Any:
        if self.from_logits and self.epsilon == 0:
            return labels * ops.softplus(-predictions) + (1 - labels) * ops.softplus(predictions)
        if self.from_logits:
            positive, negative = ops.sigmoid(predictions), ops.sigmoid(-predictions)
        else:
            positive, negative = predictions, 1 - predictions
        return -(
            labels * ops.log(positive + self.epsilon)
            + (1 - labels) * ops.log(negative + self.epsilon)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits, "epsilon": self.epsilon}
