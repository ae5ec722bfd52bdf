"""Extracted features in 8 bits a value, as the data set's extractor quantised them."""

import numpy as np

LIMIT = 2.0
_STEPS_PER_UNIT = 255 / (2 * LIMIT)


def quantize(features: np.ndarray, name: str = "features") -> np.ndarray:
    """`round((x + 2) · 255 / 4)` of features that are clipped to -2 to 2, as uint8.

    Since `data.quantization.dequantize` adds half a step to the byte, a value comes back by up to a
    step, 4 / 255, too great; and what was dequantised gives its own byte again. MediaPipe, AudioSet
    and `data.quantization.quantize` round down: half of their bytes are one less, and their errors
    centre on 0.

    Args:
        features: finite floats of any shape.
        name: what errors call them.

    Returns:
        The same shape.

    Raises:
        ValueError: a value is infinite or not a number; names the features, and the place and the
            value of the first.
    """
    features = np.asarray(features, np.float32)
    require_finite(features, name)
    steps = np.rint((np.clip(features, -LIMIT, LIMIT) + LIMIT) * _STEPS_PER_UNIT)
    return np.asarray(steps, np.uint8)


def require_finite(features: np.ndarray, name: str) -> None:
    """Raises a `ValueError` where a value is infinite or not a number, with its place."""
    is_finite = np.isfinite(features)
    if not is_finite.all():
        place = tuple(np.argwhere(~is_finite)[0].tolist())
        raise ValueError(
            f"{name} must be finite; the value at {list(place)} of {list(features.shape)} is "
            f"{features[place]}"
        )


def num_clipped(features: np.ndarray) -> int:
    """How many values `quantize` clips: those below -2 or above 2."""
    return int(np.count_nonzero(np.abs(features) > LIMIT))
