"""Records without TensorFlow: what TensorFlow's parser makes of them, and what it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.parsing import parse
from yt8m_models.data.records import frame_record, video_record
from yt8m_models.export.examples import parse_video
from yt8m_models.export.wire_format import encoded_varint

FRAMES = DataConfig(("rgb", "audio"), (200, 3), frame_features=True, num_classes=9, max_frames=6)
VIDEOS = DataConfig(("mean_rgb", "mean_audio"), (5, 2), num_classes=9)


def frames_of(*counts, sizes=(200, 3)):
    rng = np.random.default_rng(sum(counts))
    features = {
        name: rng.integers(0, 256, (count, size), np.uint8)
        for name, count, size in zip(("rgb", "audio"), counts, sizes, strict=True)
    }
    return frame_record(b"v1", [3], features)


def assert_as_tensorflow(record, data):
    batch = parse(tf.constant([record]), data, with_labels=False)
    count = int(batch["num_frames"][0]) if data.frame_features else None
    video = parse_video(record, data)
    assert video.video_id == batch["video_ids"].numpy()[0]
    expected = batch["video_matrix"].numpy()[0, :count]
    assert video.values.dtype == expected.dtype
    np.testing.assert_array_equal(video.values, expected)


@pytest.mark.parametrize("counts", [(4, 4), (9, 9), (0, 0), (1, 1), (5, 3), (3, 5), (0, 2)])
@pytest.mark.parametrize("unequal", ["trim", "pad"])
def test_frames(counts, unequal):
    data = DataConfig(("rgb", "audio"), (200, 3), True, max_frames=6, unequal_frames=unequal)
    assert_as_tensorflow(frames_of(*counts), data)


def test_features_of_videos():
    features = {"mean_audio": [1.5, -2.0], "mean_rgb": np.arange(5) / 7}
    assert_as_tensorflow(video_record(b"v2", [1, 2], features), VIDEOS)
    assert_as_tensorflow(video_record(b"v3", [], features, id_name="video_id"), VIDEOS)


def test_floats_one_by_one():
    """`value` of a `FloatList` with a key before each number, as not packed."""
    record = video_record(b"v", [], {"mean_rgb": [1, 2, 3, 4, 5], "mean_audio": [8.0, 9.0]})
    packed = b"\x12\x0a\x0a\x08" + np.array([8, 9], "<f4").tobytes()
    assert packed in record
    single = b"".join(b"\x0d" + np.float32(value).tobytes() for value in (8, 9))
    record = record.replace(packed, b"\x12\x0a" + single)
    np.testing.assert_array_equal(parse_video(record, VIDEOS).values, [1, 2, 3, 4, 5, 8, 9])


def test_frames_that_are_written_in_another_way():
    """A size in two bytes where one would do, and the lists in messages of their own."""

    def field(number, content):
        return bytes([number << 3 | 2]) + encoded_varint(len(content)) + content

    frames = [b"\x01\x02\x03", b"\x04\x05\x06"]
    audio = b"".join(field(1, field(1, b"\x0a\x83\x00" + frame)) for frame in frames)
    rgb = field(1, field(1, field(1, bytes(200)))) * 2
    lists = [
        field(2, field(1, field(1, name) + field(2, content)))
        for name, content in ((b"audio", audio), (b"rgb", rgb))
    ]
    video = parse_video(b"".join(lists), FRAMES)
    assert tf.train.SequenceExample.FromString(b"".join(lists)).feature_lists.feature_list
    np.testing.assert_array_equal(video.values[:, 200:], [[1, 2, 3], [4, 5, 6]])


def test_unknown_fields_are_passed_over():
    record = frames_of(2, 2) + b"\x18\x96\x01" + b"\x21" + bytes(8) + b"\x2d" + bytes(4)
    np.testing.assert_array_equal(
        parse_video(record, FRAMES).values, parse_video(frames_of(2, 2), FRAMES).values
    )


@pytest.mark.parametrize(
    ("record", "data", "message"),
    [
        (b"\xff\xff", FRAMES, r"not a SequenceExample .* begins with b'\\xff\\xff'"),
        (frames_of(2, 2)[:-1], FRAMES, "the record is not a SequenceExample"),
        (b"\x0b", VIDEOS, "not an? Example .*wire type 3"),
        (frames_of(2, 2, sizes=(200, 4)), FRAMES, "'v1': frame 0 of feature 'audio' has 4 bytes"),
        (frame_record(b"v", [], {"rgb": np.zeros((1, 200), np.uint8)}), FRAMES, "'audio' is miss"),
        (video_record(b"v", [], {"mean_rgb": [1.0]}), VIDEOS, "'mean_rgb' has 1 values, not the 5"),
        (
            video_record(b"v", [], {"mean_rgb": [1, 2, np.nan, 4, 5], "mean_audio": [1, 2]}),
            VIDEOS,
            "video 'v': value 2 of feature 'mean_rgb' must be finite; it is nan",
        ),
        (
            frames_of(2, 3),
            DataConfig(("rgb", "audio"), (200, 3), True, unequal_frames="error"),
            "differ",
        ),
        (
            tf.train.Example(
                features={"feature": {"id": {"int64_list": {"value": [1]}}}}
            ).SerializeToString(),
            VIDEOS,
            "feature 'id' must be bytes; it is integers",
        ),
    ],
)
def test_what_cannot_be_read_is_named(record, data, message):
    with pytest.raises(ValueError, match=message):
        parse_video(record, data)


@pytest.mark.parametrize("data", [FRAMES, VIDEOS])
def test_damaged_records_are_refused_in_no_other_way(data):
    """Every byte of a record changed, one at a time, and every length cut."""
    record = (
        frames_of(2, 2)
        if data is FRAMES
        else video_record(b"v", [1], {"mean_rgb": np.ones(5), "mean_audio": np.ones(2)})
    )
    rng = np.random.default_rng(0)
    for place in range(len(record)):
        changed = bytearray(record)
        changed[place] ^= int(rng.integers(1, 256))
        for damaged in (bytes(changed), record[:place]):
            try:
                video = parse_video(damaged, data)
            except ValueError:
                continue
            assert video.values.shape[-1] == sum(data.feature_sizes)
