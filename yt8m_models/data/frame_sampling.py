"""Which frames of a video are read: single frames at random, or one run of frames.

Both follow the starter code's `SampleRandomFrames` and `SampleRandomSequence`, with stateless
random numbers: the same seed draws the same frames.
"""

import tensorflow as tf


def random_frames(num_frames: tf.Tensor, num_samples: int, seed: tf.Tensor) -> tf.Tensor:
    """Indices of single frames, with replacement: `floor(u * n)`, u uniform in [0, 1).

    Args:
        num_frames: frames n of each video, int64 `(batch,)`.
        num_samples: frames to draw from each video.
        seed: two integers, int64 `(2,)`.

    Returns:
        int64 `(batch, num_samples)` in 0 to n - 1; 0 where a video has no frames.
    """
    uniform = tf.random.stateless_uniform([tf.size(num_frames), num_samples], seed)
    return _floor_of_product(uniform, num_frames)


def random_sequence(num_frames: tf.Tensor, num_samples: int, seed: tf.Tensor) -> tf.Tensor:
    """Indices of a run of frames that starts at `floor(u * (max(n - num_samples, 0) + 1))`.

    A video of fewer frames repeats its last one. Arguments and result as in `random_frames`.
    """
    uniform = tf.random.stateless_uniform([tf.size(num_frames), 1], seed)
    start = _floor_of_product(uniform, tf.maximum(num_frames - num_samples, 0) + 1)
    last = tf.maximum(num_frames - 1, 0)[:, None]
    return tf.minimum(start + tf.range(num_samples, dtype=tf.int64), last)


def _floor_of_product(uniform: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    return tf.cast(uniform * tf.cast(count, tf.float32)[:, None], tf.int64)
