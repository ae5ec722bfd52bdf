"""Average pooling over frames."""

import keras

from yt8m_models.layers.base import FrameLayer, Shape, Tensor
from yt8m_models.layers.frame_pooling import average_frames


@keras.saving.register_keras_serializable(package="yt8m_models")
class AveragePooling(FrameLayer):
    """Mean of a video's valid frames: `1/n Σ_t x_t`.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, D)`; zeros for a video without frames.

    Example:
        >>> AveragePooling()(frames, mask=mask)
    """

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        return average_frames(frames, mask)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[-1])
