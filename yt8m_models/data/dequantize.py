"""From the 8-bit frames of the records to the floats that the models see."""

from typing import Any

import numpy as np
import tensorflow as tf

SCALE = 4 / 255
BIAS = 4 / 512 - 2


def dequantize(values: Any) -> Any:
    """`value * (4 / 255) + (4 / 512 - 2)` as float32, as in the starter code's `utils.Dequantize`.

    Padding must be masked by `num_frames` afterwards: a padded 0 becomes `4 / 512 - 2`, not 0.

    Args:
        values: uint8 array or tensor of any shape.

    Returns:
        The same shape, float32; an array for an array, a tensor for a tensor.
    """
    if isinstance(values, np.ndarray):
        return values.astype(np.float32) * np.float32(SCALE) + np.float32(BIAS)
    return tf.cast(values, tf.float32) * SCALE + BIAS
