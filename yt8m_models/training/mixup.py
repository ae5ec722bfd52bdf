"""Mixup: training on weighted means of two videos and of their labels."""

import numpy as np
import tensorflow as tf

from yt8m_models.layers.input_normalization import OFFSET, SCALE

WEIGHTS = "mixup_weights"  # of each video in a batch


def mixup_weights(alpha: float, seeds: tuple[int, ...], size: int) -> np.ndarray:
    """What each video counts beside the other: `max(λ, 1 - λ)` with `λ ~ Beta(α, α)`.

    The larger of both is the video's own, so that a batch's metrics say something of its labels.
    The same seeds give the same.

    Returns:
        float32 `(size,)`, within [0.5, 1].
    """
    draws = np.random.default_rng(seeds).beta(alpha, alpha, size)
    return np.maximum(draws, 1 - draws).astype(np.float32)


def mix(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The batch with every video mixed with the one before it, the first with the last.

    `x = w x_i + (1 - w) x_(i-1)` of what is dequantised, frame by frame, padding as zeros, and the
    same of labels. A mixed video has as many frames as the longer of the two.

    Args:
        batch: `video_matrix` `(batch, T, D)` or `(batch, D)`, `num_frames`, `labels`, and the
            weights of `mixup_weights`.

    Reference: Zhang et al., mixup: Beyond Empirical Risk Minimization (arXiv 1710.09412).
    """
    batch = dict(batch)
    weights = batch.pop(WEIGHTS)
    videos, num_frames = batch["video_matrix"], batch["num_frames"]
    if videos.dtype == tf.uint8:
        videos = tf.cast(videos, tf.float32) * SCALE + OFFSET
    if videos.shape.rank == 3:
        mask = tf.sequence_mask(num_frames, tf.shape(videos)[1])
        videos = tf.where(mask[:, :, tf.newaxis], videos, 0.0)
    return {
        **batch,
        "video_matrix": _mixed(videos, weights),
        "num_frames": tf.maximum(num_frames, tf.roll(num_frames, 1, axis=0)),
        "labels": _mixed(tf.cast(batch["labels"], tf.float32), weights),
    }


def _mixed(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    weights = tf.reshape(weights, [-1] + [1] * (values.shape.rank - 1))
    return weights * values + (1.0 - weights) * tf.roll(values, 1, axis=0)
