"""Features in 8 bits a value, in the steps of the data set; `data.dequantize` is the way back."""

import numpy as np

from yt8m_models.data.dequantize import BIAS, SCALE


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
