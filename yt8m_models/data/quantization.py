"""Features in 8 bits a value, in the steps of the data set, and back."""

from typing import Any

import numpy as np

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
    import tensorflow as tf  # arrays are dequantised without it

    return tf.cast(values, tf.float32) * SCALE + BIAS


def quantize(values: np.ndarray) -> np.ndarray:
    """The nearest step of each value, uint8.

    Steps are 4 / 255 wide and reach from -1.99 to 2.01; values beyond take the last one.
    """
    steps = np.rint((values - np.float32(BIAS)) * np.float32(1 / SCALE))
    return np.asarray(np.clip(steps, 0, 255), np.uint8)


def num_out_of_range(values: np.ndarray) -> int:
    """How many values lie more than half a step beyond the first or the last step."""
    first, last = BIAS - SCALE / 2, BIAS + 255.5 * SCALE
    return int(np.count_nonzero((values < first) | (values > last)))
