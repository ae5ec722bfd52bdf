"""Deep bag of frames (DBoF) pooling."""

from typing import Any

import keras

from yt8m_models.layers.base import Shape, Tensor
from yt8m_models.layers.frame_pooling import METHODS, pool_frames
from yt8m_models.layers.frame_projection import FrameProjection


@keras.saving.register_keras_serializable(package="yt8m_models")
class DBoF(FrameProjection):
    """Projects each frame to a code of K numbers and pools the codes over frames.

    `pool_t a(BN(x_t W))`, or `pool_t a(x_t W + b)` without batch normalisation.

    Args:
        num_clusters: K, the width of the code.
        activation: `a`, by Keras name.
        pooling_method: `"max"` or `"average"` over frames.
        batch_norm: normalise the codes over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K)`; zeros for a video without frames.

    Weights: `cluster_kernel` `(D, K)`; `cluster_bias` `(K,)` without batch normalisation.

    Raises:
        ValueError: `num_clusters` is below 1 or `pooling_method` is not known.

    Reference: Abu-El-Haija et al., YouTube-8M (arXiv 1609.08675), section 5.1.2.

    Example:
        >>> DBoF(8192)(frames, mask=mask)
    """

    weights_name = "cluster"

    def __init__(
        self,
        num_clusters: int,
        activation: str = "sigmoid",
        pooling_method: str = "max",
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_clusters, batch_norm, batch_norm_decay, **kwargs)
        if pooling_method not in METHODS:
            raise ValueError(
                f"pooling_method must be one of {METHODS}; received {pooling_method!r}"
            )
        self.activation = activation
        self.pooling_method = pooling_method

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        codes = keras.activations.get(self.activation)(self.project(frames, mask, training))
        return pool_frames(codes, mask, self.pooling_method)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_clusters)
