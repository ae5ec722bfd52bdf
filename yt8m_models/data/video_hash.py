"""Which part of a split a video belongs to."""

import hashlib


def is_test(video_id: bytes, fraction: float, seed: int = 0) -> bool:
    """Whether a video is in the test part, which has about `fraction` of all videos.

    The first 8 bytes of SHA-256 of `seed:id` (the seed in decimal), as a big-endian number, are
    below fraction · 2⁶⁴. So it depends on the id and the seed alone, the same everywhere, and the
    test part of a smaller fraction lies within that of a larger one.
    """
    digest = hashlib.sha256(b"%d:%b" % (seed, video_id)).digest()
    return int.from_bytes(digest[:8], "big") < fraction * 2**64
