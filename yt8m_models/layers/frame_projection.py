"""What the layers that map each frame to K numbers share."""

from typing import Any

from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.batch_normalization import BatchNormalization
from yt8m_models.layers.normalization import inverse_sqrt_normal


class FrameProjection(FrameLayer):
    """Projects frames linearly: `BN(x W)` over the batch's frames, or `x W + b`.

    A subclass sets `weights_name` and makes its output of `project(frames, mask, training)`.

    Args:
        num_clusters: K, the width of the projection.
        batch_norm: normalise over the batch's frames instead of adding a bias.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Weights: `<weights_name>_kernel` `(D, K)`; `<weights_name>_bias` `(K,)` without batch
    normalisation.

    Raises:
        ValueError: `num_clusters` is below 1.
    """

    weights_name = "projection"

    def __init__(
        self,
        num_clusters: int,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_clusters=num_clusters)
        self.num_clusters = num_clusters
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        initializer = inverse_sqrt_normal(features)
        self.kernel = self.add_weight(
            name=f"{self.weights_name}_kernel",
            shape=(features, self.num_clusters),
            initializer=initializer,
        )
        if self.batch_norm:
            self.normalization = BatchNormalization(
                self.batch_norm_decay, name="batch_norm", dtype=self.dtype_policy
            )
            self.normalization.build((None, None, self.num_clusters))
        else:
            self.bias = self.add_weight(
                name=f"{self.weights_name}_bias",
                shape=(self.num_clusters,),
                initializer=initializer,
            )

    def project(self, frames: Tensor, mask: Tensor | None, training: bool) -> Tensor:
        """`(batch, T, D)` to `(batch, T, K)`."""
        projected = ops.matmul(frames, self.kernel)
        if self.batch_norm:
            return self.normalization(projected, mask=mask, training=training)
        return projected + self.bias
