"""Writing YouTube-8M records: the three formats of the 2018 and 2019 releases, byte for byte.

Frame level is a `SequenceExample` (context `id` and `labels`; one bytes feature a frame in each
feature list), video level an `Example` (`id`, `labels`, one float list a feature), segment level a
frame-level record with the rated segments in the context.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf


def video_record(
    video_id: bytes, labels: Sequence[int], features: Mapping[str, np.ndarray], id_name: str = "id"
) -> bytes:
    """A serialized video-level `Example`; `features` maps names to float arrays `(size,)`."""
    feature = {id_name: _bytes([video_id]), "labels": _ints(labels)}
    feature |= {name: _floats(values) for name, values in features.items()}
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def frame_record(
    video_id: bytes,
    labels: Sequence[int],
    features: Mapping[str, np.ndarray],
    segments: Sequence[tuple[int, int, int, float]] | None = None,
    id_name: str = "id",
) -> bytes:
    """A serialized frame-level `SequenceExample`.

    Args:
        video_id: the id, four characters in the release.
        labels: class ids of the video.
        features: name to frames `(frames, size)`: uint8 where they are quantised, else float32.
        segments: rated segments `(start, end, class, score)`; makes it a segment-level record.
        id_name: `id` in the 2018 release, `video_id` in that of 2017.
    """
    context = {id_name: _bytes([video_id]), "labels": _ints(labels)}
    if segments is not None:
        starts, ends, classes, scores = zip(*segments, strict=True) if segments else ((),) * 4
        context |= {
            "segment_start_times": _ints(starts),
            "segment_end_times": _ints(ends),
            "segment_labels": _ints(classes),
            "segment_scores": _floats(scores),
        }
    lists = {name: frame_list(frames) for name, frames in features.items()}
    example = tf.train.SequenceExample(
        context=tf.train.Features(feature=context),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    )
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def frame_list(frames: np.ndarray) -> tf.train.FeatureList:
    """A feature for each of the frames `(frames, size)`: bytes of uint8, floats of float32.

    The first is made and repeated, with the others' values. Serialized messages one after the other
    are a list of them, and to parse it is six times as fast as to make a message a frame.
    """
    if not len(frames):
        return tf.train.FeatureList()
    is_bytes = frames.dtype == np.uint8
    first = _bytes([frames[0].tobytes()]) if is_bytes else _floats(frames[0].tolist())
    header = tf.train.FeatureList(feature=[first]).SerializeToString()
    values = frames if is_bytes else np.ascontiguousarray(frames, "<f4").view(np.uint8)
    serialized = np.tile(np.frombuffer(header, np.uint8), (len(frames), 1))
    serialized[:, len(header) - values.shape[1] :] = values
    return tf.train.FeatureList.FromString(serialized.tobytes())


def write_records(path: str, records: Iterable[bytes]) -> None:
    """Writes serialized records to one TFRecord file."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def _bytes(values: Sequence[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values: Iterable[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
