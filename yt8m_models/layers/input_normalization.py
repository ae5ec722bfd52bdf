"""From quantised frames to the models' input."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor
from yt8m_models.layers.basic_operations import are_operations_basic
from yt8m_models.layers.devices import loops_on_cpu
from yt8m_models.layers.frame_pooling import average_frames
from yt8m_models.layers.normalization import inverse_norm, l2_normalize

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
        sizes = self.feature_sizes if per_feature else ()
        self._splits = [sum(sizes[:count]) for count in range(1, len(sizes))]

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] != sum(self.feature_sizes):
            raise ValueError(
                f"the last axis of the input must be as wide as feature_sizes={self.feature_sizes} "
                f"together, {sum(self.feature_sizes)}; received shape {tuple(input_shape)}"
            )

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        frames = ops.cast(inputs, "float32")
        if _is_quantised(inputs):
            frames = frames * SCALE + OFFSET
        if mask is not None:
            frames = ops.where(ops.expand_dims(mask, -1), frames, 0.0)
        if self._splits:
            parts = ops.split(frames, self._splits, axis=-1)
            frames = ops.concatenate([l2_normalize(part) for part in parts], axis=-1)
        else:
            frames = l2_normalize(frames)
        return ops.cast(frames, self.compute_dtype)

    def average(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean of a video's valid frames after `call`: `1/n Σ_t x_t / |x_t|`.

        CPUs take 8-bit frames video by video, so that a video's floats stay in a cache, which takes
        a quarter to two thirds of the time.

        Args:
            inputs: `(batch, T, D)`.
            mask: bool `(batch, T)`; `None` where all frames are valid.

        Returns:
            `(batch, D)` in the compute dtype; zeros for a video without frames.
        """
        if not _is_quantised(inputs) or not loops_on_cpu() or are_operations_basic():
            return average_frames(self(inputs, mask=mask), mask)
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:2], "bool")
        return ops.cast(ops.map(self._average_of_video, (inputs, mask)), self.compute_dtype)

    def _average_of_video(self, video: tuple[Tensor, Tensor]) -> Tensor:
        """The mean, `(D,)`, of frames `(T, D)` of 8 bits where the mask `(T,)` is true."""
        steps = ops.cast(video[0], "float32") + OFFSET / SCALE  # x / SCALE, in the same direction
        valid = ops.cast(video[1], "float32")
        parts = ops.split(steps, self._splits, axis=-1) if self._splits else [steps]
        sums = [
            ops.matmul(valid * inverse_norm(ops.sum(ops.square(part), axis=-1)), part)
            for part in parts
        ]
        return ops.concatenate(sums, axis=-1) / ops.maximum(ops.sum(valid), 1)

    def compute_output_spec(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)


def _is_quantised(inputs: Tensor) -> bool:
    is_uint8: bool = keras.backend.standardize_dtype(inputs.dtype) == "uint8"
    return is_uint8
