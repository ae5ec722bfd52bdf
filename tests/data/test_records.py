"""Tests of writing records."""

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.records import frame_list, frame_record


@pytest.mark.parametrize("num_frames", [0, 1, 300])
@pytest.mark.parametrize("size", [1, 127, 128, 1024])
def test_a_frame_record_has_a_bytes_feature_for_each_frame(num_frames, size):
    values = np.random.default_rng(size).integers(0, 256, (num_frames, size + 3), np.uint8)
    features = {"rgb": values[:, :size], "audio": values[:, size:]}
    expected = tf.train.SequenceExample()
    expected.context.feature["id"].bytes_list.value.append(b"abcd")
    expected.context.feature["labels"].int64_list.value.extend([3, 1])
    for name, frames in features.items():
        expected.feature_lists.feature_list[name].feature.extend(
            tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(frame)]))
            for frame in frames
        )
    record = frame_record(b"abcd", [3, 1], features)
    assert tf.train.SequenceExample.FromString(record) == expected
    assert record == expected.SerializeToString(deterministic=True)


@pytest.mark.parametrize(("num_frames", "size"), [(0, 3), (1, 1), (300, 128), (7, 2048)])
def test_frames_of_floats_are_float_lists(num_frames, size):
    frames = np.random.default_rng(size).normal(size=(num_frames, size)).astype(np.float32)
    expected = tf.train.FeatureList(
        feature=[
            tf.train.Feature(float_list=tf.train.FloatList(value=frame.tolist()))
            for frame in frames
        ]
    )
    assert frame_list(frames) == expected
    assert frame_list(np.asfortranarray(frames)) == expected
