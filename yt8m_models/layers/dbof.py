"""Deep bag of frames (DBoF) pooling."""

import keras
from keras import ops

from yt8m_models.layers.frame_pooling import METHODS, pool_frames
from yt8m_models.layers.normalization import batch_normalization, inverse_sqrt_normal


@keras.saving.register_keras_serializable(package="yt8m_models")
class DBoF(keras.layers.Layer):
    """Projects each frame to K sparse codes and pools the codes over frames.

    `pool_t a(BN(W x_t))`, or `pool_t a(W x_t + b)` without batch normalisation.

    Args:
        num_clusters: K, the width of the code.
        activation: `a`, by Keras name.
        pooling_method: `"max"` or `"average"` over frames.
        batch_norm: normalise the codes over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K)`; zeros for a video without frames.

    Raises:
        ValueError: `num_clusters` is below 1 or `pooling_method` is not known.

    Reference: Abu-El-Haija et al., YouTube-8M (arXiv 1609.08675), section 5.1.2.

    Example:
        >>> DBoF(8192)(frames, mask=mask)
    """

    def __init__(
        self,
        num_clusters,
        activation="sigmoid",
        pooling_method="max",
        batch_norm=True,
        batch_norm_decay=0.999,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1; received {num_clusters}")
        if pooling_method not in METHODS:
            raise ValueError(
                f"pooling_method must be one of {METHODS}; received {pooling_method!r}"
            )
        self.num_clusters = num_clusters
        self.activation = activation
        self.pooling_method = pooling_method
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.supports_masking = True

    def build(self, input_shape):
        features = input_shape[-1]
        self.cluster_kernel = self.add_weight(
            name="cluster_kernel",
            shape=(features, self.num_clusters),
            initializer=inverse_sqrt_normal(features),
        )
        if self.batch_norm:
            self.normalization = batch_normalization(
                "batch_norm", self.batch_norm_decay, self.dtype_policy
            )
            self.normalization.build((None, None, self.num_clusters))
        else:
            self.cluster_bias = self.add_weight(
                name="cluster_bias",
                shape=(self.num_clusters,),
                initializer=inverse_sqrt_normal(features),
            )

    def call(self, frames, mask=None, training=False):
        codes = ops.matmul(frames, self.cluster_kernel)
        if self.batch_norm:
            codes = self.normalization(codes, mask=mask, training=training)
        else:
            codes = codes + self.cluster_bias
        codes = keras.activations.get(self.activation)(codes)
        return pool_frames(codes, mask, self.pooling_method)

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_clusters)

    def get_config(self):
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "activation": self.activation,
            "pooling_method": self.pooling_method,
            "batch_norm": self.batch_norm,
            "batch_norm_decay": self.batch_norm_decay,
        }
