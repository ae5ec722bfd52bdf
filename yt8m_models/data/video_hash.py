"""Which part of a split videos belong to."""

import hashlib
import math
from collections.abc import Iterable

import numpy as np

_BYTES = 8


def are_test(video_ids: Iterable[bytes], fraction: float, seed: int = 0) -> np.ndarray:
    """Whether videos are in the test part, which has about `fraction` of all: bool `(n,)`.

    The first 8 bytes of SHA-256 of `seed:id` (the seed in decimal), as a big-endian number, are
    below fraction · 2⁶⁴. So it depends on the id and the seed alone, the same everywhere, and the
    test part of a smaller fraction lies within that of a larger one.
    """
    salt, sha256 = b"%d:" % seed, hashlib.sha256
    digests = b"".join([sha256(salt + video_id).digest()[:_BYTES] for video_id in video_ids])
    numbers = np.frombuffer(digests, f">u{_BYTES}")
    # Of whole numbers those below a bound are those below the next whole one: so no number is
    # rounded to compare it.
    bound = math.ceil(fraction * 2**64)
    if bound <= 0:
        return np.zeros(len(numbers), bool)
    return numbers <= np.uint64(min(bound, 2**64) - 1)


def is_test(video_id: bytes, fraction: float, seed: int = 0) -> bool:
    """Whether one video is, as of `are_test`."""
    return bool(are_test([video_id], fraction, seed)[0])
