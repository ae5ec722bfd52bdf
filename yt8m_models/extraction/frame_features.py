"""The frames of a record's feature list, of whatever kind they are."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError


def parse_sequence(content: bytes) -> tf.train.SequenceExample:
    """A serialized `SequenceExample`; an `Example` is one too, without feature lists.

    Raises:
        ValueError: it is neither.
    """
    try:
        return tf.train.SequenceExample.FromString(content)
    except DecodeError:
        raise ValueError(
            f"neither an Example nor a SequenceExample; it begins with {content[:16]!r}"
        ) from None


def frames_of(lists: Mapping[str, tf.train.FeatureList], name: str) -> np.ndarray:
    """The frames of a feature list `(frames, size)`: uint8 where they are bytes, else float32.

    Without frames the size is 0.

    Raises:
        ValueError: there is no such list, a frame is neither one string of bytes nor floats, or
            one is not as wide as the first; names the list and the frame.
    """
    if name not in lists:
        there = ", ".join(sorted(lists)) if lists else "none"
        raise ValueError(f"feature list {name!r} is missing; there are {there}")
    frames = []
    for number, feature in enumerate(lists[name].feature):
        if feature.HasField("float_list"):
            frames.append(np.array(feature.float_list.value, np.float32))
        elif feature.HasField("bytes_list") and len(feature.bytes_list.value) == 1:
            frames.append(np.frombuffer(feature.bytes_list.value[0], np.uint8))
        else:
            raise ValueError(f"frame {number} of {name!r} must be floats or one string of bytes")
        first, frame = frames[0], frames[-1]
        if (frame.dtype, len(frame)) != (first.dtype, len(first)):
            raise ValueError(
                f"frame {number} of {name!r} has {len(frame)} values of {frame.dtype}, the first "
                f"has {len(first)} of {first.dtype}"
            )
    return np.stack(frames) if frames else np.zeros((0, 0), np.uint8)
