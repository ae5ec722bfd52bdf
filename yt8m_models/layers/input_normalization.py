"""From quantised frames to the models' input."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor
from yt8m_models.layers.normalization import l2_normalize

SCALE = 4 / 255
OFFSET = 4 / 512 - 2


@keras.saving.register_keras_serializable(package="yt8m_models")
class InputNormalization(BaseLayer):
    """Dequantises, zeroes padding and L2-normalises: what the starter code does before its models.

    8-bit features become `q · 4/255 + (4/512 - 2)`; floats are taken as they are. Padded frames
    become zero after that, and each frame is divided by its norm over all features together, or
    over each feature by itself.

    Args:
        feature_sizes: widths of the features side by side in the last axis.
        per_feature: normalise each feature by itself.

    Inputs: `(batch, T, D)` or `(batch, D)`, uint8 or float, with `D = sum(feature_sizes)`; `mask`,
    bool `(batch, T)`. Output: the same shape in the compute dtype.

    Raises:
        ValueError: `feature_sizes` do not add up to the last axis.

    Example:
        >>> InputNormalization(feature_sizes=(1024, 128))(frames, mask=mask)
    """

    def __init__(
        self, feature_sizes: Sequence[int], per_feature: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        self.feature_sizes = tuple(feature_sizes)
        self.per_feature = per_feature
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] != sum(self.feature_sizes):
            raise ValueError(
                f"the last axis of the input must be as wide as feature_sizes={self.feature_sizes} "
                f"together, {sum(self.feature_sizes)}; received shape {tuple(input_shape)}"
            )

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        quantised = keras.backend.standardize_dtype(inputs.dtype) == "uint8"
        frames = ops.cast(inputs, "float32")
        if quantised:
            frames = frames * SCALE + OFFSET
        if mask is not None:
            frames = ops.where(ops.expand_dims(mask, -1), frames, 0.0)
        if self.per_feature and len(self.feature_sizes) > 1:
            splits = [sum(self.feature_sizes[:i]) for i in range(1, len(self.feature_sizes))]
            parts = ops.split(frames, splits, axis=-1)
            frames = ops.concatenate([l2_normalize(part) for part in parts], axis=-1)
        else:
            frames = l2_normalize(frames)
        return ops.cast(frames, self.compute_dtype)

    def compute_output_spec(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
