"""What one record holds, without knowing its format beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf
from google.protobuf.message import DecodeError

from yt8m_models.data.record_checks import check_finite


@dataclass(frozen=True)
class RecordSummary:
    """A record that can be read.

    Attributes:
        level: `video`, `frame` or `segment`.
        features: name to size; a feature of a video without frames has size 0.
        num_frames: frames that all features have, None at video level.
        surplus_frames: how many more the longest feature has.
        labels: class ids.
        scores: of the rated segments.
    """

    level: str
    features: dict[str, int]
    num_frames: int | None
    surplus_frames: int
    labels: Sequence[int]
    scores: Sequence[float]


def summarize(serialized: bytes) -> RecordSummary:
    """Reads a record of any level.

    An `Example` is also a `SequenceExample` without feature lists: its features are the context. So
    a record with feature lists is frame level, one without is video level.

    Raises:
        ValueError: it is neither, it has no id or no features, a value that is not finite, or
            frames of several sizes.
    """
    try:
        example = tf.train.SequenceExample.FromString(serialized)
    except DecodeError:
        raise ValueError(
            f"neither an Example nor a SequenceExample; it begins with {serialized[:16]!r}"
        ) from None
    context = example.context.feature
    if "id" not in context and "video_id" not in context:
        raise ValueError(f"it has no id; there are {', '.join(sorted(context)) or 'no features'}")
    lists = example.feature_lists.feature_list
    labels = context["labels"].int64_list.value if "labels" in context else ()
    if not lists:
        return RecordSummary("video", _video_features(context), None, 0, labels, ())
    features = _frame_features(lists)
    counts = [len(frames.feature) for frames in lists.values()]
    num_frames, surplus = min(counts), max(counts) - min(counts)
    if "segment_labels" not in context:
        return RecordSummary("frame", features, num_frames, surplus, labels, ())
    scores = _segment_scores(context)
    return RecordSummary("segment", features, num_frames, surplus, labels, scores)


def _video_features(context: Mapping[str, tf.train.Feature]) -> dict[str, int]:
    features = {}
    for name, feature in sorted(context.items()):
        if feature.WhichOneof("kind") == "float_list":
            check_finite(name, feature.float_list.value)
            features[name] = len(feature.float_list.value)
    if not features:
        raise ValueError(f"it has no features; there are {', '.join(sorted(context))}")
    return features


def _frame_features(lists: Mapping[str, tf.train.FeatureList]) -> dict[str, int]:
    features = {}
    for name in sorted(lists):
        sizes = [_frame_size(name, frame) for frame in lists[name].feature]
        features[name] = sizes[0] if sizes else 0
        for number, size in enumerate(sizes):
            if size != sizes[0]:
                raise ValueError(
                    f"feature {name!r} has {sizes[0]} bytes in frame 0 and {size} in frame {number}"
                )
    return features


def _frame_size(name: str, frame: tf.train.Feature) -> int:
    """Bytes of a frame, or its values where it has floats."""
    check_finite(name, frame.float_list.value)
    return sum(map(len, frame.bytes_list.value)) + len(frame.float_list.value)


def _segment_scores(context: Mapping[str, tf.train.Feature]) -> Sequence[float]:
    starts = context["segment_start_times"].int64_list.value
    classes = context["segment_labels"].int64_list.value
    scores: Sequence[float] = context["segment_scores"].float_list.value
    if not len(starts) == len(classes) == len(scores):
        raise ValueError(
            "'segment_start_times', 'segment_labels' and 'segment_scores' differ in length: "
            f"{len(starts)}, {len(classes)} and {len(scores)}"
        )
    check_finite("segment_scores", scores)
    return scores
