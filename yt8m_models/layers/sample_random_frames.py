"""Random frames, with replacement."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Tensor, check_positive


@keras.saving.register_keras_serializable(package="yt8m_models")
class SampleRandomFrames(BaseLayer):
    """Samples frames of each video independently and with replacement, as the starter code does.

    `t = ⌊u · num_frames⌋` with `u` uniform on [0, 1), for each of `num_samples` frames.

    Args:
        num_samples: frames to take.
        seed: seed of the sampling; `None` for another one each time.

    Inputs: frames `(batch, T, D)` and `num_frames`, int `(batch,)`, at most T.
    Output: `(batch, num_samples, D)`; the first, padded frame for a video without frames.

    Raises:
        ValueError: `num_samples` is below 1.

    Example:
        >>> SampleRandomFrames(30)(frames, num_frames=num_frames)
    """

    def __init__(self, num_samples: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        check_positive(num_samples=num_samples)
        self.num_samples = num_samples
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, frames: Tensor, num_frames: Tensor) -> Tensor:
        count = ops.cast(ops.expand_dims(num_frames, 1), "float32")
        shape = (ops.shape(frames)[0], self.num_samples)
        uniform = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        index = ops.floor(uniform * count)  # below count, as u is at most 1 - 2^-24
        return ops.take_along_axis(frames, ops.expand_dims(ops.cast(index, "int32"), -1), axis=1)

    def compute_output_spec(self, frames: Tensor, num_frames: Tensor) -> Tensor:
        return keras.KerasTensor((frames.shape[0], self.num_samples, frames.shape[2]), frames.dtype)
