"""A random run of consecutive frames."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Tensor, check_positive


@keras.saving.register_keras_serializable(package="yt8m_models")
class SampleRandomSequence(BaseLayer):
    """Samples one run of consecutive frames of each video, as the starter code does.

    The run starts at `⌊u · (max(num_frames - num_samples, 0) + 1)⌋`, `u` uniform on [0, 1); past
    the end of a shorter video its last frame repeats.

    Args:
        num_samples: frames to take.
        seed: seed of the sampling; `None` for another one each time.

    Inputs: frames `(batch, T, D)` and `num_frames`, int `(batch,)`, at most T.
    Output: `(batch, num_samples, D)`; the first, padded frame for a video without frames.

    Raises:
        ValueError: `num_samples` is below 1.

    Example:
        >>> SampleRandomSequence(30)(frames, num_frames=num_frames)
    """

    def __init__(self, num_samples: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        check_positive(num_samples=num_samples)
        self.num_samples = num_samples
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, frames: Tensor, num_frames: Tensor) -> Tensor:
        count = ops.cast(ops.expand_dims(num_frames, 1), "int32")
        last_start = ops.maximum(count - self.num_samples, 0)
        uniform = keras.random.uniform(
            (ops.shape(frames)[0], 1), dtype="float32", seed=self.seed_generator
        )
        # At most last_start, as u is at most 1 - 2^-24.
        start = ops.cast(ops.floor(uniform * ops.cast(last_start + 1, "float32")), "int32")
        index = ops.minimum(start + ops.arange(self.num_samples), ops.maximum(count - 1, 0))
        return ops.take_along_axis(frames, ops.expand_dims(index, -1), axis=1)

    def compute_output_spec(self, frames: Tensor, num_frames: Tensor) -> Tensor:
        return keras.KerasTensor((frames.shape[0], self.num_samples, frames.shape[2]), frames.dtype)
