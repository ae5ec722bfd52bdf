"""Hinge loss of triplets."""

from typing import Any

import keras
from keras import ops

from losses.triplet_loss import TripletLoss


@keras.saving.register_keras_serializable(package="yt8m_models")
class TripletHingeLoss(TripletLoss):
    """Hinge loss of triplets: a negative further than the positive by the margin costs nothing.

    ```
    term = max(0, d_ap - d_an + margin)
    ```

    Arguments, shapes and errors are those of `TripletLoss`.

    Reference: Schroff et al., FaceNet (arXiv 1503.03832), equation 3; Lee et al., Collaborative
    Deep Metric Learning for Video Understanding (KDD 2018).

    Example:
        >>> float(TripletHingeLoss(margin=0.5)([1.0, 0.0], [0.75, 2.0]))  # (0.75 + 0) / 2
        0.375
    """

    def terms(self, violations: Any) -> Any:
        return ops.relu(violations)
