"""Ids of generated videos: four characters, as in the release."""

import string

_CHARACTERS = (string.digits + string.ascii_uppercase + string.ascii_lowercase).encode()
NUM_IDS = len(_CHARACTERS) ** 4


def video_id(seed: int, index: int) -> bytes:
    """The id of video `index`; the ids of a seed's first `NUM_IDS` videos all differ."""
    # 62**4 has the prime factors 2 and 31, which the factor of `index` has not: a permutation.
    number = (index * 9_173_503 + seed * 1_299_709 + 7_368_787) % NUM_IDS
    characters = []
    for _ in range(4):
        number, digit = divmod(number, len(_CHARACTERS))
        characters.append(_CHARACTERS[digit])
    return bytes(characters)
