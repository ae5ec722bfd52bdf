"""What one record holds, without knowing its format beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow as tf
from google.protobuf.message import DecodeError


@dataclass(frozen=True)
class RecordSummary:
    """A record that can be read.

    Attributes:
        level: `video`, `frame` or `segment`.
        features: name to size; a feature of a video without frames has size 0.
        num_frames: frames, None at video level.
        labels: class ids.
        scores: of the rated segments.
    """

    level: str
    features: dict[str, int]
    num_frames: int | None
    labels: Sequence[int]
    scores: Sequence[float]


def summarize(serialized: bytes) -> RecordSummary:
    """Reads a record of any level.

    An `Example` is also a `SequenceExample` without feature lists: its features are the context. So
    a record with feature lists is frame level, one without is video level.

    Raises:
        ValueError: it is neither, it has no id or no features, or its frames do not fit together.
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
        return RecordSummary("video", _video_features(context), None, labels, ())
    features, num_frames = _frame_features(lists)
    if "segment_labels" not in context:
        return RecordSummary("frame", features, num_frames, labels, ())
    return RecordSummary("segment", features, num_frames, labels, _segment_scores(context))


def _video_features(context: Mapping[str, tf.train.Feature]) -> dict[str, int]:
    features = {
        name: len(feature.float_list.value)
        for name, feature in sorted(context.items())
        if feature.WhichOneof("kind") == "float_list"
    }
    if not features:
        raise ValueError(f"it has no features; there are {', '.join(sorted(context))}")
    return features


def _frame_features(lists: Mapping[str, tf.train.FeatureList]) -> tuple[dict[str, int], int]:
    features, num_frames = {}, {}
    for name in sorted(lists):
        sizes = [sum(map(len, frame.bytes_list.value)) for frame in lists[name].feature]
        num_frames[name] = len(sizes)
        features[name] = sizes[0] if sizes else 0
        for number, size in enumerate(sizes):
            if size != sizes[0]:
                raise ValueError(
                    f"feature {name!r} has {sizes[0]} bytes in frame 0 and {size} in frame {number}"
                )
    if len(set(num_frames.values())) > 1:
        counts = ", ".join(f"{name!r} {count}" for name, count in num_frames.items())
        raise ValueError(f"the features differ in their numbers of frames: {counts}")
    return features, max(num_frames.values())


def _segment_scores(context: Mapping[str, tf.train.Feature]) -> Sequence[float]:
    starts = context["segment_start_times"].int64_list.value
    classes = context["segment_labels"].int64_list.value
    scores: Sequence[float] = context["segment_scores"].float_list.value
    if not len(starts) == len(classes) == len(scores):
        raise ValueError(
            "'segment_start_times', 'segment_labels' and 'segment_scores' differ in length: "
            f"{len(starts)}, {len(classes)} and {len(scores)}"
        )
    return scores
