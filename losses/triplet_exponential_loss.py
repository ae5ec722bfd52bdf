"""Exponential loss of triplets."""

from typing import Any

import keras
from keras import ops

from losses.triplet_loss import TripletLoss


@keras.saving.register_keras_serializable(package="yt8m_models")
class TripletExponentialLoss(TripletLoss):
    """Exponential loss of triplets: the pull of a triplet grows exponentially with its violation.

    ```
    term = exp(d_ap - d_an + margin)
    ```

    Distances of embeddings of length 1 are at most 4, so that a term is at most `exp(4 + margin)`;
    in float32 it overflows from a violation of 88.7. Arguments, shapes and errors are those of
    `TripletLoss`.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018).

    Example:
        >>> float(TripletExponentialLoss(margin=0.5)([1.0], [1.5]))  # exp(0)
        1.0
    """

    def terms(self, violations: Any) -> Any:
        return ops.exp(violations)
