"""Which part of a split videos belong to."""

import hashlib
import math
from collections.abc import Iterable
from itertools import islice

import numpy as np

_BYTES = 8
_BLOCK = 1 << 16  # ids whose hashes are objects at a time


def are_test(video_ids: Iterable[bytes], fraction: float, seed: int = 0) -> np.ndarray:
    """Whether videos are in the test part, which has about `fraction` of all: bool `(n,)`.

    The first 8 bytes of SHA-256 of `seed:id` (the seed in decimal), as a big-endian number, are
    below fraction · 2⁶⁴. So it depends on the id and the seed alone, the same everywhere, and the
    test part of a smaller fraction lies within that of a larger one.
    """
    salt, sha256 = b"%d:" % seed, hashlib.sha256
    # Of whole numbers those below a bound are those below the next whole one: so no number is
    # rounded to compare it.
    bound = math.ceil(fraction * 2**64)
    if bound <= 0:
        return np.zeros(sum(1 for _ in video_ids), bool)
    most = np.uint64(min(bound, 2**64) - 1)
    left = iter(video_ids)
    parts = [np.zeros(0, bool)]
    while ids := list(islice(left, _BLOCK)):
        digests = b"".join([sha256(salt + video_id).digest()[:_BYTES] for video_id in ids])
        numbers = np.frombuffer(digests, f">u{_BYTES}")
        parts.append(numbers <= most)
    return np.concatenate(parts)


def is_test(video_id: bytes, fraction: float, seed: int = 0) -> bool:
    """Whether one video is, as of `are_test`."""
    return bool(are_test([video_id], fraction, seed)[0])
