"""Logistic loss of triplets."""

from typing import Any

import keras
from keras import ops

from losses.triplet_loss import TripletLoss


@keras.saving.register_keras_serializable(package="yt8m_models")
class TripletLogLoss(TripletLoss):
    """Logistic loss of triplets, a smooth hinge: every triplet pulls, the worst ones most.

    ```
    term = log(1 + exp(d_ap - d_an + margin))
    ```

    computed as a softplus, which does not overflow. Arguments, shapes and errors are those of
    `TripletLoss`.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018).

    Example:
        >>> float(TripletLogLoss(margin=0.5)([1.0], [1.5]))  # log(1 + exp(0))
        0.693...
    """

    def terms(self, violations: Any) -> Any:
        return ops.softplus(violations)
