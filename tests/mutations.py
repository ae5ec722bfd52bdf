"""Damage to the content of files, as of transfers, editors and other versions, from a seed."""

import copy
import json

import numpy as np

_PIECES = [
    *(b"\x00", b"\xff", b'"', b"'", b",", b";", b"\t", b"\r", b"\n", b"\r\n", b" ", b"-", b"."),
    *(b"\xef\xbb\xbf", b"\xe9", b"nan", b"inf", b"1e999", b"true", b"null", b"{", b"]", b"0"),
    *(b"2026-01-31T2015Z", b"99999999999999999999", b"x" * 600, b"a,b\n"),
]
_VALUES = [
    *(None, True, False, 0, 1, -1, 3, 10**15, 0.5, -0.0, float("nan"), float("inf"), "", "video"),
    *([], [1], ["a", "a"], [[1]], {}, {"a": 1}),
]


def mutated(content, rng):
    """Bytes with one to three mutations: something cut, doubled, moved, flipped or put in."""
    for _ in range(rng.integers(1, 4)):
        start, end = np.sort(rng.integers(0, len(content) + 1, 2))
        before, part, after = content[:start], content[start:end], content[end:]
        short = part[: rng.integers(1, 9)]
        content = [
            before,
            before + part + part + after,
            before + after[: len(after) // 2] + part + after[len(after) // 2 :],
            before
            + bytes(byte ^ (1 << rng.integers(8)) for byte in short)
            + part[len(short) :]
            + after,
            before + part[len(short) :] + after,
            before + _PIECES[rng.integers(len(_PIECES))] + part + after,
            before + _PIECES[rng.integers(len(_PIECES))] + part[len(short) :] + after,
        ][rng.integers(7)]
    return content


def mutated_json(text, rng):
    """The text of a JSON object in which a value, or a value of it, is another or is missing."""
    record = copy.deepcopy(json.loads(text))
    place, key = record, None
    while isinstance(place, dict | list) and place:
        holder = place
        key = (
            list(place)[rng.integers(len(place))]
            if isinstance(place, dict)
            else rng.integers(len(place))
        )
        place = place[key]
        if rng.random() < 0.5:
            break
    if rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = _VALUES[rng.integers(len(_VALUES))]
    return json.dumps(record)


def outcome(read):
    """What is read, or what the error says that users are to see; other errors are raised."""
    try:
        return read(), ""
    except (ValueError, OSError) as error:
        return None, str(error)
