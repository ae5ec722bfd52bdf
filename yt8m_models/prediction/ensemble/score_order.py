"""Integers that sort as scores do."""

import numpy as np


def score_order(scores: np.ndarray) -> np.ndarray:
    """uint32 in the order of the float32 of finite scores, equal where those are equal.

    The bits of a float are in its order but for the sign: negative ones are flipped, and the others
    lie above them.
    """
    with np.errstate(over="ignore"):
        bits = (np.asarray(scores, np.float32) + np.float32(0)).view(np.uint32)  # -0 becomes 0
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
