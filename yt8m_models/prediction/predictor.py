"""The compiled forward pass, down to the best classes of each video."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig

FRAME_LEVEL_BATCH = 128
VIDEO_LEVEL_BATCH = 1024


class Best(NamedTuple):
    """The best classes of a batch of videos.

    Attributes:
        classes: class ids, best first, int32 `(batch, top_k)`; the lower id of equal scores first.
        scores: their predictions, float32 `(batch, top_k)`.
        is_finite: whether all predictions of a video are numbers, bool `(batch,)`.
    """

    classes: tf.Tensor
    scores: tf.Tensor
    is_finite: tf.Tensor


class Predictor:
    """Predicts batches with a model as a TensorFlow graph; takes the best classes on the device.

    Only those leave the device: 20 numbers for each video instead of 3,862. Without `jit_compile`
    the graph takes batches of any shape (on two CPU cores it is as fast as with it). With it XLA
    compiles each shape that comes; batches are therefore padded to a power of two, and should all
    have the same number of frames.

    Args:
        model: a model of `yt8m_models.models`.
        top_k: classes to take, at most as many as there are.
        classes: the class ids to take them from, ascending; all classes unless given.
        jit_compile: whether XLA compiles the graph.
    """

    def __init__(
        self,
        model: tf.Module,
        top_k: int,
        classes: np.ndarray | None = None,
        jit_compile: bool = False,
    ) -> None:
        self.model = model
        self.top_k = top_k
        self.classes = classes
        self.jit_compile = jit_compile
        self._best = tf.function(
            self._forward, jit_compile=jit_compile, reduce_retracing=True, autograph=False
        )

    def __call__(self, video_matrix: tf.Tensor, num_frames: tf.Tensor) -> Best:
        """The best classes of a batch.

        Args:
            video_matrix: uint8 `(batch, frames, features)` or float32 `(batch, features)`.
            num_frames: int32 `(batch,)`.
        """
        if not self.jit_compile:
            return Best(*self._best(video_matrix, num_frames))
        batch = len(num_frames)
        added = (1 << (batch - 1).bit_length()) - batch
        rest = [[0, 0]] * (len(video_matrix.shape) - 1)
        padded = self._best(
            tf.pad(video_matrix, [[0, added], *rest]),
            tf.pad(num_frames, [[0, added]], constant_values=1),
        )
        return Best(*(values[:batch] for values in padded))

    def _forward(self, video_matrix: tf.Tensor, num_frames: tf.Tensor) -> Best:
        inputs = {"video_matrix": video_matrix, "num_frames": num_frames}
        predictions = self.model(inputs, training=False)
        is_finite = tf.reduce_all(tf.math.is_finite(predictions), axis=1)
        if self.classes is not None:
            predictions = tf.gather(predictions, self.classes, axis=1)
        scores, indices = tf.math.top_k(predictions, min(self.top_k, predictions.shape[1]))
        classes = indices if self.classes is None else tf.gather(self.classes, indices)
        return Best(classes, scores, is_finite)


def device_batch_size(batch_size: int, data: DataConfig) -> int:
    """The size of the batches to predict: `batch_size` where memory stays bounded with it.

    128 frame-level videos of 300 frames and 1,152 features take 44 MB as read and 177 MB
    dequantised; larger batches are not faster, and the results are the same.
    """
    return min(batch_size, FRAME_LEVEL_BATCH if data.frame_features else VIDEO_LEVEL_BATCH)
