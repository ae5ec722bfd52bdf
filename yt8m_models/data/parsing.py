"""Parsing serialized records, a group at a time, inside a tf.data graph.

Only plain operations and assertions: a record that does not fit raises a TensorFlow error, and
`bad_records` finds out afterwards which record it was and why. The checks here and in
`record_checks` accept the same records, except that here only the frames that are read are checked.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import quantize

SEGMENT_SIZE = 5
FRAME_PADDING = 60

Batch = dict[str, tf.Tensor]
Sampler = Callable[[tf.Tensor], tf.Tensor]
Note = Callable[[tf.Tensor], Any]

_ZERO = bytes(quantize(np.zeros(1)))

_IDS = {
    "id": tf.io.FixedLenFeature([], tf.string, ""),
    "video_id": tf.io.FixedLenFeature([], tf.string, ""),
}
_LABELS = {"labels": tf.io.VarLenFeature(tf.int64)}
_SEGMENTS = {
    "segment_start_times": tf.io.VarLenFeature(tf.int64),
    "segment_labels": tf.io.VarLenFeature(tf.int64),
    "segment_scores": tf.io.VarLenFeature(tf.float32),
}


def parse(serialized: tf.Tensor, data: DataConfig, with_labels: bool = True) -> Batch:
    """Records `(n,)` of the level of `data`, with every frame."""
    if data.segment_labels:
        return parse_segments(serialized, data)
    if data.frame_features:
        return parse_frames(
            serialized, data, sampler=None, pad_to_max_frames=False, with_labels=with_labels
        )
    return parse_videos(serialized, data, with_labels)


def parse_videos(serialized: tf.Tensor, data: DataConfig, with_labels: bool = True) -> Batch:
    """Video-level `Example`s `(n,)`: `video_matrix` is float32 `(n, D)`, `num_frames` is 1."""
    features = {
        name: tf.io.FixedLenFeature([size], tf.float32)
        for name, size in zip(data.feature_names, data.feature_sizes, strict=True)
    }
    context = _IDS | _LABELS if with_labels else _IDS
    parsed = tf.io.parse_example(serialized, {**context, **features})
    video_matrix = tf.concat([parsed[name] for name in data.feature_names], axis=1)
    _assert_finite(video_matrix)
    batch = {
        "video_ids": _video_ids(parsed),
        "video_matrix": video_matrix,
        "num_frames": tf.ones_like(serialized, tf.int32),
    }
    if with_labels:
        batch["labels"] = _labels(parsed, tf.size(serialized), data)
    return batch


def parse_frames(
    serialized: tf.Tensor,
    data: DataConfig,
    sampler: Sampler | None,
    pad_to_max_frames: bool,
    with_labels: bool = True,
    note_unequal: Note | None = None,
) -> Batch:
    """Frame-level `SequenceExample`s `(n,)`: `video_matrix` is uint8 or float32 `(n, T, D)`.

    Args:
        serialized: the records.
        data: their format.
        sampler: frames of each video, int64 `(n,)`, to the indices of those to read, `(n, T)`; None
            reads all.
        pad_to_max_frames: T is `max_frames`; otherwise, without a sampler, it is the longest video,
            rounded up to a multiple of `FRAME_PADDING`.
        with_labels: read the labels too.
        note_unequal: is given the frames of each feature, int64 `(n, features)`, where they differ.
    """
    features = _IDS | _LABELS if with_labels else _IDS
    context, frames, num_frames = _parse_sequences(serialized, data, features, note_unequal)
    num_frames = tf.minimum(num_frames, data.max_frames)
    if sampler is None:
        longest = tf.shape(frames[0])[1]
        rounded = tf.maximum(-(-longest // FRAME_PADDING), 1) * FRAME_PADDING
        length = data.max_frames if pad_to_max_frames else tf.minimum(rounded, data.max_frames)
        frames = [_resize(each, length) for each in frames]
        valid = tf.sequence_mask(num_frames, length)
    else:
        indices = sampler(num_frames)
        frames = [tf.gather(_at_least_one(each), indices, batch_dims=1) for each in frames]
        valid = tf.broadcast_to((num_frames > 0)[:, None], tf.shape(indices))
        num_frames = tf.where(num_frames > 0, tf.shape(indices, out_type=tf.int64)[1], 0)
    batch = {
        "video_ids": _video_ids(context),
        "video_matrix": _decode(frames, valid, data),
        "num_frames": tf.cast(num_frames, tf.int32),
    }
    if with_labels:
        batch["labels"] = _labels(context, tf.size(serialized), data)
    return batch


def parse_segments(
    serialized: tf.Tensor, data: DataConfig, note_unequal: Note | None = None
) -> Batch:
    """Rated segments of frame-level records `(n,)`: `video_matrix` is uint8 `(segments, 5, D)`.

    All ratings of a video with one start time are one example, in the order in which the starts
    first appear. `labels` are the rated classes with a positive score, `label_weights` is 1 for
    every rated class and 0 for the others. A segment that runs past the end of its video has
    fewer than 5 valid frames.
    """
    context, frames, num_frames = _parse_sequences(
        serialized, data, _IDS | _LABELS | _SEGMENTS, note_unequal
    )
    starts, classes, scores = (context[name] for name in _SEGMENTS)
    tf.debugging.assert_equal(starts.indices, classes.indices)
    tf.debugging.assert_equal(starts.indices, scores.indices)
    videos = starts.indices[:, 0]
    available = tf.gather(num_frames, videos) - starts.values
    _assert_finite(scores.values)
    tf.debugging.assert_non_negative(starts.values)
    tf.debugging.assert_positive(available)

    longest = tf.reduce_max(num_frames, keepdims=True)[0] + 1
    segments, segment_of_rating = tf.unique(videos * longest + starts.values, out_idx=tf.int64)
    videos, first = segments // longest, segments % longest
    valid_frames = tf.minimum(tf.gather(num_frames, videos) - first, SEGMENT_SIZE)

    valid = tf.sequence_mask(valid_frames, SEGMENT_SIZE)
    indices = tf.where(valid, first[:, None] + tf.range(SEGMENT_SIZE, dtype=tf.int64), 0)
    rows = tf.broadcast_to(videos[:, None], tf.shape(indices))
    places = tf.stack([rows, indices], axis=2)
    frames = [_masked(tf.gather_nd(each, places), valid) for each in frames]

    count = tf.size(segments)
    rated = tf.ones_like(classes.values, tf.bool)
    return {
        "video_ids": tf.gather(_video_ids(context), videos),
        "video_matrix": _decode(frames, valid, data),
        "num_frames": tf.cast(valid_frames, tf.int32),
        "labels": _multi_hot(segment_of_rating, classes.values, scores.values > 0, count, data),
        "label_weights": tf.cast(
            _multi_hot(segment_of_rating, classes.values, rated, count, data), tf.float32
        ),
    }


def assert_ids(video_ids: tf.Tensor, forbidden: str) -> None:
    """Fails where an id `(n,)` is empty, or has one of the forbidden characters (of ASCII)."""
    characters = "".join(f"\\x{ord(character):02x}" for character in forbidden)
    allowed = tf.strings.regex_replace(video_ids, f"[{characters}]", "") if forbidden else video_ids
    is_good = tf.reduce_all((allowed == video_ids) & (video_ids != ""))
    # Without the ids themselves: an error of TensorFlow that is not UTF-8 cannot be raised.
    tf.debugging.Assert(is_good, ["an id that cannot be used"])


def _parse_sequences(
    serialized: tf.Tensor,
    data: DataConfig,
    context_features: dict[str, Any],
    note_unequal: Note | None,
) -> tuple[Batch, list[tf.Tensor], tf.Tensor]:
    """Context, each feature's frames, and frames per video `(n,)`.

    Frames are strings `(n, longest)`, or with `float_frames` floats `(n, longest, size)`.
    """
    lists = {
        name: tf.io.FixedLenSequenceFeature([size], tf.float32)
        if data.float_frames
        else tf.io.FixedLenSequenceFeature([], tf.string)
        for name, size in zip(data.feature_names, data.feature_sizes, strict=True)
    }
    context, sequences, lengths = tf.io.parse_sequence_example(serialized, context_features, lists)
    frames = [sequences[name] for name in data.feature_names]
    counts = tf.stack([lengths[name] for name in data.feature_names], axis=1)
    if len(frames) == 1:
        return context, frames, counts[:, 0]
    num_frames = (tf.reduce_max if data.unequal_frames == "pad" else tf.reduce_min)(counts, axis=1)
    are_equal = tf.reduce_all(counts == num_frames[:, None])
    if data.unequal_frames == "error":
        tf.debugging.assert_equal(are_equal, True)
        return context, frames, num_frames

    def aligned() -> list[tf.Tensor]:
        if note_unequal is not None:
            note_unequal(counts)
        return [
            _align(strings, counts[:, place], num_frames, size)
            for place, (strings, size) in enumerate(zip(frames, data.feature_sizes, strict=True))
        ]

    return context, tf.cond(are_equal, lambda: frames, aligned), num_frames


def _align(frames: tf.Tensor, count: tf.Tensor, num_frames: tf.Tensor, size: int) -> tf.Tensor:
    """The first `count` frames of each video, cut or filled up to `num_frames`."""
    length = tf.cast(tf.reduce_max(num_frames), tf.int32)
    resized = _resize(frames, length)
    if frames.dtype != tf.string:
        return _masked(resized, tf.sequence_mask(tf.minimum(count, num_frames), length))
    strings = tf.where(tf.sequence_mask(count, length), resized, _ZERO * size)
    return _masked(strings, tf.sequence_mask(num_frames, length))


def _masked(frames: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """Frames, strings `(n, T)` or floats `(n, T, size)`, with those that are not valid empty."""
    if frames.dtype == tf.string:
        return tf.where(valid, frames, "")
    return tf.where(valid[..., None], frames, 0.0)


def _assert_finite(values: tf.Tensor) -> None:
    """Like `check_numerics`, in a tenth of its time."""
    tf.debugging.assert_equal(tf.reduce_all(tf.math.is_finite(values)), True)


def _decode(frames: list[tf.Tensor], valid: tf.Tensor, data: DataConfig) -> tf.Tensor:
    """Frames of each feature side by side `(n, T, D)`; those not `valid` must be empty.

    Strings `(n, T)` become uint8; floats `(n, T, size)` are as they are.
    """
    if data.float_frames:
        video_matrix = tf.concat([_masked(each, valid) for each in frames], axis=2)
        _assert_finite(video_matrix)
        return video_matrix
    for strings, size in zip(frames, data.feature_sizes, strict=True):
        tf.debugging.assert_equal(tf.strings.length(strings), tf.cast(valid, tf.int32) * size)
    decoded = [
        tf.io.decode_raw(strings, tf.uint8, fixed_length=size)
        for strings, size in zip(frames, data.feature_sizes, strict=True)
    ]
    return tf.concat(decoded, axis=2)


def _resize(frames: tf.Tensor, length: tf.Tensor | int) -> tf.Tensor:
    """Cuts or pads frames `(n, T, …)` to `(n, length, …)`."""
    frames = frames[:, :length]
    rest = frames.shape[2:]
    padding = [[0, 0], [0, length - tf.shape(frames)[1]], *([0, 0] for _ in rest)]
    known = length if isinstance(length, int) else None
    return tf.ensure_shape(tf.pad(frames, padding), [None, known, *rest])


def _at_least_one(frames: tf.Tensor) -> tf.Tensor:
    """Frames `(n, T, …)` with one where T is 0, so that index 0 exists."""
    missing = tf.maximum(1 - tf.shape(frames)[1], 0)
    return tf.pad(frames, [[0, 0], [0, missing], *([0, 0] for _ in frames.shape[2:])])


def _video_ids(context: Batch) -> tf.Tensor:
    return tf.where(context["id"] == "", context["video_id"], context["id"])


def _labels(context: Batch, count: tf.Tensor, data: DataConfig) -> tf.Tensor:
    labels = context["labels"]
    present = tf.ones_like(labels.values, tf.bool)
    return _multi_hot(labels.indices[:, 0], labels.values, present, count, data)


def _multi_hot(
    rows: tf.Tensor, classes: tf.Tensor, values: tf.Tensor, count: tf.Tensor, data: DataConfig
) -> tf.Tensor:
    """bool `(count, num_classes)`: the or of `values` at `(rows, classes)`, false elsewhere.

    A class outside of `num_classes` is an error of `scatter_nd`.
    """
    shape = tf.stack([tf.cast(count, tf.int64), data.num_classes])
    return tf.scatter_nd(tf.stack([rows, classes], axis=1), values, shape)
