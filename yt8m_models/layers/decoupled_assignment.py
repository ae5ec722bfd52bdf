"""Soft assignment of frames to clusters by a free linear map."""

import keras
from keras import ops

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.frame_projection import FrameProjection


@keras.saving.register_keras_serializable(package="yt8m_models")
class DecoupledAssignment(FrameProjection):
    """Posteriors that are trained apart from the cluster means.

    `P(k|x) = softmax_k(u_k·x + b_k)`, or `softmax_k(BN(u_k·x))` with batch normalisation.

    Args:
        num_clusters: K.
        batch_norm: normalise `u_k·x` over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: float32 `(batch, T, K)`; a valid frame's posteriors sum to 1, a padded one's to 0.

    Weights: `assignment_kernel` `(D, K)`; `assignment_bias` `(K,)` without batch normalisation.

    Raises:
        ValueError: `num_clusters` is below 1.

    Reference: Arandjelović et al., NetVLAD (arXiv 1511.07247), equation 3; batch normalisation as
    in Miech et al. (arXiv 1706.06905).

    Example:
        >>> DecoupledAssignment(64)(frames, mask=mask)
    """

    weights_name = "assignment"

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        logits = ops.cast(self.project(frames, mask, training), "float32")
        posteriors = ops.softmax(logits, axis=-1)
        if mask is None:
            return posteriors
        return posteriors * ops.expand_dims(ops.cast(mask, "float32"), -1)

    def compute_output_spec(
        self, frames: Tensor, mask: Tensor | None = None, training: bool = False
    ) -> Tensor:
        return keras.KerasTensor((*frames.shape[:-1], self.num_clusters), dtype="float32")
