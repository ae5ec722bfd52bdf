"""The exact check of one record, in Python: what is wrong with it, in words.

The reader does not call it unless bad records are to be skipped; otherwise it only explains the
record at which reading failed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from yt8m_models.config import DataConfig
from yt8m_models.data.parsing import parse

_KINDS = {"bytes_list": "bytes", "float_list": "floats", "int64_list": "integers"}


def check_record(
    serialized: bytes,
    data: DataConfig,
    with_labels: bool = True,
    forbidden_in_ids: str | None = None,
) -> None:
    """Checks that a record can be read as `data` says.

    Args:
        serialized: the record.
        data: its format.
        with_labels: check the labels of the video too.
        forbidden_in_ids: characters that its id, which it then must have, may not have.

    Raises:
        ValueError: it cannot; the message names the video where its id is known, the feature or the
            label, and what is there instead.
    """
    example_type = tf.train.SequenceExample if data.frame_features else tf.train.Example
    kind = example_type.__name__
    try:
        example = example_type.FromString(serialized)
    except DecodeError:
        raise ValueError(
            f"the record is not a {kind}; it begins with {serialized[:16]!r}"
        ) from None
    context = (example.context if data.frame_features else example.features).feature
    try:
        _check_ids(context, forbidden_in_ids)
        if with_labels:
            _check_classes("labels", _values(context, "labels", "int64_list"), data)
        if data.frame_features:
            _check_frames(example, data)
        else:
            _check_video_features(serialized, context, data)
    except ValueError as error:
        video_id = _video_id(context)
        raise ValueError(f"video {video_id!r}: {error}" if video_id else str(error)) from None
    is_canonical = _is_canonical(example, serialized)
    if not is_canonical and not _can_be_parsed(serialized, data, with_labels):
        raise ValueError(f"the record is not a well-formed {kind}; TensorFlow cannot parse it")


def check_finite(name: str, values: Sequence[float]) -> None:
    """Refuses a feature with a value that is infinite or not a number.

    Raises:
        ValueError: there is one; names the feature, and the place and the value of the first.
    """
    array = np.array(values)
    places = np.flatnonzero(~np.isfinite(array))
    if len(places):
        place = places[0]
        raise ValueError(f"value {place} of feature {name!r} must be finite; it is {array[place]}")


def _is_canonical(example: Any, serialized: bytes) -> bool:
    """Whether a message, which this changes, is written as it would be here, at least in length.

    TensorFlow's parser takes every such record, and refuses some of the others, as those with
    fields that are not known, which protocol buffers allow.
    """
    example.DiscardUnknownFields()
    size: int = example.ByteSize()
    return size == len(serialized)


def _can_be_parsed(serialized: bytes, data: DataConfig, with_labels: bool) -> bool:
    """Whether TensorFlow's parser takes a record."""
    try:
        parse(tf.constant([serialized]), data, with_labels)
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError):
        return False
    return True


def _check_ids(context: Mapping[str, Any], forbidden: str | None) -> None:
    for name in ("id", "video_id"):
        ids = _values(context, name, "bytes_list")
        if _kind(context, name) and len(ids) != 1:
            raise ValueError(f"{name!r} must have one value; it has {len(ids)}")
    if forbidden is None:
        return
    video_id = _video_id(context)
    if not video_id:
        raise ValueError(f"it has no id; there are {_names(context)}")
    for character in forbidden:
        if character in video_id:
            raise ValueError(
                f"its id has {character!r}, and could not be read back from the output"
            )


def _check_classes(name: str, classes: Any, data: DataConfig) -> None:
    for label in classes:
        if not 0 <= label < data.num_classes:
            raise ValueError(
                f"label {label} in {name!r} is not among the classes 0 to {data.num_classes - 1} "
                f"(--num_classes={data.num_classes})"
            )


def _check_video_features(serialized: bytes, context: Mapping[str, Any], data: DataConfig) -> None:
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        if not _kind(context, name):
            frame_level = tf.train.SequenceExample.FromString(serialized).feature_lists.feature_list
            hint = (
                f"; this looks like a frame-level record, with {_names(frame_level)}, which "
                "frame-level models read (with --frame_features)"
                if frame_level
                else _other_name(name, context)
            )
            raise ValueError(f"feature {name!r} is missing; there are {_names(context)}{hint}")
        values = _values(context, name, "float_list")
        if len(values) != size:
            raise ValueError(
                f"feature {name!r} has {len(values)} values, not the {size} of --feature_sizes"
            )
        check_finite(name, values)


def _check_frames(example: tf.train.SequenceExample, data: DataConfig) -> None:
    lists, context = example.feature_lists.feature_list, example.context.feature
    for name in data.feature_names:
        if name not in lists:
            hint = ""
            if not lists:
                hint = (
                    f" (and outside of the lists {_names(context)}); this looks like a "
                    "video-level record, which video-level models read (without --frame_features)"
                )
            raise ValueError(
                f"feature list {name!r} is missing; there are {_names(lists)}{hint}"
                f"{_other_name(name, lists or context)}"
            )
    counts = {name: len(lists[name].feature) for name in data.feature_names}
    if data.unequal_frames == "error" and len(set(counts.values())) > 1:
        raise ValueError(
            f"the features differ in their number of frames: {counts}; --unequal_frames=trim, the "
            "default, or pad reads them"
        )
    num_frames = (max if data.unequal_frames == "pad" else min)(counts.values())
    read = num_frames if data.segment_labels else min(num_frames, data.max_frames)
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        for number, frame in enumerate(lists[name].feature):
            if data.float_frames:
                _check_float_frame(f"frame {number} of feature {name!r}", frame, size)
                continue
            values = frame.bytes_list.value
            if len(values) != 1 or (len(values[0]) != size and number < read):
                _refuse_frame(f"frame {number} of feature {name!r}", frame, size)
    if data.segment_labels:
        _check_segments(context, num_frames, data)


def _other_name(name: str, names: Iterable[str]) -> str:
    """A hint, where the record has the feature by the name of the other level."""
    other = name.removeprefix("mean_") if name.startswith("mean_") else f"mean_{name}"
    return f"; its name here is {other}, change --feature_names" if other in names else ""


def _check_float_frame(what: str, frame: tf.train.Feature, size: int) -> None:
    kind = frame.WhichOneof("kind")
    if kind != "float_list":
        raise ValueError(
            f"{what} must be floats, by --float_frames; it is {_KINDS[kind] if kind else 'nothing'}"
        )
    values = frame.float_list.value
    if len(values) != size:
        raise ValueError(f"{what} has {len(values)} values, not the {size} of --feature_sizes")
    check_finite(what, values)


def _refuse_frame(what: str, frame: tf.train.Feature, size: int) -> NoReturn:
    kind = frame.WhichOneof("kind")
    if kind != "bytes_list":
        hint = ", which --float_frames reads" if kind == "float_list" else ""
        raise ValueError(f"{what} must be bytes; it is {_KINDS[kind] if kind else 'nothing'}{hint}")
    values = frame.bytes_list.value
    if len(values) != 1:
        raise ValueError(f"{what} must be one value; it has {len(values)}")
    raise ValueError(f"{what} has {len(values[0])} bytes, not the {size} of --feature_sizes")


def _check_segments(context: Mapping[str, Any], num_frames: int, data: DataConfig) -> None:
    starts = _values(context, "segment_start_times", "int64_list")
    classes = _values(context, "segment_labels", "int64_list")
    scores = _values(context, "segment_scores", "float_list")
    if not len(starts) == len(classes) == len(scores):
        raise ValueError(
            "'segment_start_times', 'segment_labels' and 'segment_scores' must have one value a "
            f"rating; they have {len(starts)}, {len(classes)} and {len(scores)}"
        )
    for start in starts:
        if not 0 <= start < num_frames:
            raise ValueError(
                f"a segment starts at frame {start}; the video has {num_frames} frames"
            )
    _check_classes("segment_labels", classes, data)
    check_finite("segment_scores", scores)


def _kind(context: Mapping[str, Any], name: str) -> str | None:
    """Which of the three kinds of list a feature is; None where it is missing or has none."""
    return context[name].WhichOneof("kind") if name in context else None


def _values(context: Mapping[str, Any], name: str, kind: str) -> Any:
    """The values of a feature, none where it is missing."""
    there = _kind(context, name)
    if there not in (None, kind):
        raise ValueError(f"feature {name!r} must be {_KINDS[kind]}; it is {_KINDS[there]}")
    return getattr(context[name], kind).value if there else ()


def _video_id(context: Mapping[str, Any]) -> str:
    for name in ("id", "video_id"):
        values = context[name].bytes_list.value if _kind(context, name) == "bytes_list" else ()
        if values and values[0]:
            video_id: bytes = values[0]
            return video_id.decode(errors="replace")
    return ""


def _names(features: Mapping[str, Any]) -> str:
    return ", ".join(sorted(features)) if features else "none"
