"""Softmax cross entropy with several labels a video."""

from typing import Any

import keras
from keras import ops

from losses.classification_loss import ClassificationLoss

_SMALLEST_LABEL_SUM = 1e-7


@keras.saving.register_keras_serializable(package="yt8m_models")
class SoftmaxLoss(ClassificationLoss):
    """Cross entropy of a softmax over the classes against equal shares of the labels.

    ```
    term_c = -(y_c / max(Σ y, 1e-7)) · log softmax(p)_c
    ```

    summed over classes and averaged over videos; a video without labels has loss 0. Label weights
    weigh the terms alone: the softmax runs over all classes.

    Args:
        reduction: see `ClassificationLoss`.
        name: name of the loss.

    Source: `SoftmaxLoss` of the YouTube-8M starter code.

    Example:
        >>> float(SoftmaxLoss()([[1, 0]], [[0.5, 0.5]]))  # log 2
        0.693...
    """

    def terms(self, labels: Any, predictions: Any) -> Any:
        label_sum = ops.sum(labels, axis=-1, keepdims=True)
        shares = labels / ops.maximum(label_sum, _SMALLEST_LABEL_SUM)
        return -shares * ops.log_softmax(predictions, axis=-1)
