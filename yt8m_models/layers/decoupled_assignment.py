"""Soft assignment of frames to clusters by a free linear map."""

import keras
from keras import ops

from yt8m_models.layers.normalization import batch_normalization, inverse_sqrt_normal


@keras.saving.register_keras_serializable(package="yt8m_models")
class DecoupledAssignment(keras.layers.Layer):
    """Posteriors that are trained apart from the cluster means.

    `P(k|x) = softmax_k(u_k·x + b_k)`, or `softmax_k(BN(u_k·x))` with batch normalisation.

    Args:
        num_clusters: K.
        batch_norm: normalise `u_k·x` over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: float32 `(batch, T, K)`; a valid frame's posteriors sum to 1, a padded one's to 0.

    Weights: `assignment_kernel` `(D, K)`; `assignment_bias` `(K,)` without batch normalisation.

    Reference: Arandjelović et al., NetVLAD (arXiv 1511.07247), equation 3; batch normalisation as
    in Miech et al. (arXiv 1706.06905).
    """

    def __init__(self, num_clusters, batch_norm=True, batch_norm_decay=0.999, **kwargs):
        super().__init__(**kwargs)
        if num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1; received {num_clusters}")
        self.num_clusters = num_clusters
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.supports_masking = True

    def build(self, input_shape):
        features = input_shape[-1]
        self.assignment_kernel = self.add_weight(
            name="assignment_kernel",
            shape=(features, self.num_clusters),
            initializer=inverse_sqrt_normal(features),
        )
        if self.batch_norm:
            self.normalization = batch_normalization(
                "batch_norm", self.batch_norm_decay, self.dtype_policy
            )
            self.normalization.build((None, None, self.num_clusters))
        else:
            self.assignment_bias = self.add_weight(
                name="assignment_bias",
                shape=(self.num_clusters,),
                initializer=inverse_sqrt_normal(features),
            )

    def call(self, frames, mask=None, training=False):
        logits = ops.matmul(frames, self.assignment_kernel)
        if self.batch_norm:
            logits = self.normalization(logits, mask=mask, training=training)
        else:
            logits = logits + self.assignment_bias
        posteriors = ops.softmax(ops.cast(logits, "float32"), axis=-1)
        if mask is None:
            return posteriors
        return posteriors * ops.expand_dims(ops.cast(mask, "float32"), -1)

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_spec(self, frames, mask=None, training=False):
        return keras.KerasTensor((*frames.shape[:-1], self.num_clusters), dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "batch_norm": self.batch_norm,
            "batch_norm_decay": self.batch_norm_decay,
        }
