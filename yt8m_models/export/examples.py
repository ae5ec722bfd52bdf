"""The features of serialised records, `Example`s and `SequenceExample`s, without TensorFlow.

    Example { Features features = 1 }             Features { map<string, Feature> feature = 1 }
    SequenceExample { Features context = 1        FeatureLists { map<string, FeatureList> = 1 }
                      FeatureLists lists = 2 }    FeatureList { repeated Feature feature = 1 }
    Feature { oneof { BytesList = 1, FloatList = 2, Int64List = 3 } }, lists of `value = 1`

A map is a list of messages `{ key = 1, value = 2 }`, of which the last with a key counts.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import quantize
from yt8m_models.export.wire_format import BYTES, FIXED32, encoded_varint, fields

_KINDS = {1: "bytes", 2: "floats", 3: "integers"}
_BYTES_LIST, _FLOAT_LIST = 1, 2
_ZERO = int(quantize(np.zeros(1))[0])


class Video(NamedTuple):
    """A video of a record.

    Attributes:
        video_id: as recorded; empty where the record has none.
        values: frames as recorded, uint8 `(num_frames, D)`; of video-level records float32 `(D,)`.
    """

    video_id: bytes
    values: np.ndarray


def parse_video(serialized: bytes | memoryview, data: DataConfig) -> Video:
    """The video of a record of the level of `data`, with `max_frames` frames at most.

    Raises:
        ValueError: the record cannot be read as `data` says; names the video where its id is known,
            the feature, and what is there instead.
    """
    kind = "SequenceExample" if data.frame_features else "Example"
    try:
        context, lists = _maps(serialized)
    except ValueError as error:
        raise ValueError(
            f"the record is not a {kind} ({error}); it begins with {bytes(serialized[:16])!r}"
        ) from None
    video_id = b""
    try:
        video_id = _video_id(context)
        values = _frames(lists, data) if data.frame_features else _features(context, data)
    except ValueError as error:
        name = video_id.decode(errors="replace")
        raise ValueError(f"video {name!r}: {error}" if name else str(error)) from None
    return Video(video_id, values)


def _maps(serialized: bytes | memoryview) -> list[dict[str, memoryview]]:
    """The context, and the feature lists, by name."""
    maps: list[dict[str, memoryview]] = [{}, {}]
    for number, kind, content in fields(memoryview(serialized)):
        if number in (1, 2) and kind == BYTES:
            for entry in _repeated(content):
                pair = {n: value for n, k, value in fields(entry) if k == BYTES}
                name = bytes(pair.get(1, b"")).decode(errors="replace")
                maps[number - 1][name] = pair.get(2, memoryview(b""))
    return maps


def _repeated(message: memoryview) -> list[memoryview]:
    """The messages or the bytes of the field 1."""
    return [content for number, kind, content in fields(message) if (number, kind) == (1, BYTES)]


def _list(feature: memoryview) -> tuple[int, memoryview]:
    """Which kind of list a feature has, 0 for none, and that list."""
    found = [(number, content) for number, kind, content in fields(feature) if kind == BYTES]
    return found[-1] if found else (0, memoryview(b""))


def _video_id(context: dict[str, memoryview]) -> bytes:
    for name in ("id", "video_id"):
        kind, values = _list(context[name]) if name in context else (0, memoryview(b""))
        if kind == 0:
            continue
        if kind != _BYTES_LIST:
            raise ValueError(f"feature {name!r} must be bytes; it is {_KINDS.get(kind, kind)}")
        ids = _repeated(values)
        if len(ids) != 1:
            raise ValueError(f"{name!r} must have one value; it has {len(ids)}")
        if ids[0]:
            return bytes(ids[0])
    return b""


def _features(context: dict[str, memoryview], data: DataConfig) -> np.ndarray:
    """The features of a video, side by side."""
    parts = []
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        if name not in context:
            raise ValueError(f"feature {name!r} is missing; there are {_names(context)}")
        kind, content = _list(context[name])
        if kind not in (0, _FLOAT_LIST):
            raise ValueError(f"feature {name!r} must be floats; it is {_KINDS.get(kind, kind)}")
        values = _floats(content)
        if len(values) != size:
            raise ValueError(
                f"feature {name!r} has {len(values)} values, not the {size} of --feature_sizes"
            )
        places = np.flatnonzero(~np.isfinite(values))
        if len(places):
            raise ValueError(
                f"value {places[0]} of feature {name!r} must be finite; it is {values[places[0]]}"
            )
        parts.append(values)
    return np.concatenate(parts)


def _floats(message: memoryview) -> np.ndarray:
    """The numbers of a `FloatList`, packed as they are written today, or one by one."""
    parts = [
        bytes(content)
        for number, kind, content in fields(message)
        if number == 1 and kind in (BYTES, FIXED32)
    ]
    content = b"".join(parts)
    if len(content) % 4:
        raise ValueError(f"a list of floats has {len(content)} bytes, not a multiple of 4")
    return np.frombuffer(content, "<f4")


def _frames(lists: dict[str, memoryview], data: DataConfig) -> np.ndarray:
    """The frames of a video, with their features side by side."""
    parts, counts = [], {}
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        if name not in lists:
            raise ValueError(f"feature list {name!r} is missing; there are {_names(lists)}")
        counts[name], frames = _frames_of(lists[name], name, size, data.max_frames)
        parts.append(frames)
    if data.unequal_frames == "error" and len(set(counts.values())) > 1:
        raise ValueError(
            f"the features differ in their number of frames: {counts}; --unequal_frames=trim or "
            "pad reads them"
        )
    length = (max if data.unequal_frames == "pad" else min)(map(len, parts))
    return np.concatenate([_resized(part, length) for part in parts], axis=1)


def _frames_of(
    feature_list: memoryview, name: str, size: int, max_frames: int
) -> tuple[int, np.ndarray]:
    """How many frames a feature has, and the first of them, uint8 `(at most max_frames, size)`.

    As they are nearly always written, the messages of frames differ in their values alone, so that
    a list of them is an array already; any other is read message by message.
    """
    header = _frame_header(size)
    length = len(header) + size
    if len(feature_list) % length == 0:
        rows = np.frombuffer(feature_list, np.uint8).reshape(-1, length)
        if (rows[:, : len(header)] == header).all():
            return len(rows), rows[:max_frames, len(header) :]
    features = _repeated(feature_list)
    frames = [_frame(one, number, name, size) for number, one in enumerate(features[:max_frames])]
    return len(features), np.frombuffer(b"".join(frames), np.uint8).reshape(-1, size)


@functools.cache
def _frame_header(size: int) -> np.ndarray:
    """What stands before the bytes of a frame in a `FeatureList`: three times a key and a size."""
    header = b""
    for _ in range(3):
        header = b"\x0a" + encoded_varint(size + len(header)) + header
    return np.frombuffer(header, np.uint8)


def _frame(feature: memoryview, number: int, name: str, size: int) -> memoryview:
    what = f"frame {number} of feature {name!r}"
    kind, content = _list(feature)
    if kind != _BYTES_LIST:
        raise ValueError(f"{what} must be bytes; it is {_KINDS.get(kind, 'nothing')}")
    values = _repeated(content)
    if len(values) != 1:
        raise ValueError(f"{what} must be one value; it has {len(values)}")
    if len(values[0]) != size:
        raise ValueError(f"{what} has {len(values[0])} bytes, not the {size} of --feature_sizes")
    return values[0]


def _resized(frames: np.ndarray, length: int) -> np.ndarray:
    """Frames, cut or filled up with the step that stands for 0."""
    added = max(length - len(frames), 0)
    return np.pad(frames[:length], ((0, added), (0, 0)), constant_values=_ZERO)


def _names(features: Iterable[str]) -> str:
    return ", ".join(sorted(features)) or "none"
