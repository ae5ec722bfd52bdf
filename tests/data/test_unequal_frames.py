"""Videos whose features differ in their number of frames: by `--unequal_frames`, on every path."""

import dataclasses
import re

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.record_index import index_records
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.features.frame_table import FrameTable

TRIM = DataConfig(("rgb", "audio"), (3, 2), frame_features=True, num_classes=9, max_frames=80)
PAD = dataclasses.replace(TRIM, unequal_frames="pad")
ERROR = dataclasses.replace(TRIM, unequal_frames="error")
COUNTS = ((7, 6), (4, 4), (5, 7), (3, 0), (90, 81), (79, 82))  # frames of rgb and of audio
ZERO = 127  # the byte nearest to 0

VIDEOS = [
    {
        name: np.random.default_rng([number, size]).integers(0, 256, (count, size), np.uint8)
        for name, count, size in zip(("rgb", "audio"), counts, (3, 2), strict=True)
    }
    for number, counts in enumerate(COUNTS)
]


def expected(video, data):
    """The frames of all features side by side `(frames, 5)`, before `max_frames`."""
    counts = [len(frames) for frames in video.values()]
    length = min(counts) if data.unequal_frames == "trim" else max(counts)
    padded = [
        np.pad(frames[:length], ((0, length - len(frames[:length])), (0, 0)), constant_values=ZERO)
        for frames in video.values()
    ]
    return np.concatenate(padded, axis=1)


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "unequal.tfrecord")
    segments = [(0, 5, 1, 1.0), (2, 7, 3, 0.0)]
    write_records(
        path,
        [
            frame_record(b"%d" % number, [1], video, segments if min(counts) > 2 else [])
            for number, (video, counts) in enumerate(zip(VIDEOS, COUNTS, strict=True))
        ],
    )
    return path


def one_batch(path, data, **options):
    pipeline = Pipeline([path], data, PipelineOptions(100, **options))
    (batch,) = pipeline
    return {name: value.numpy() for name, value in batch.items()}, pipeline.ledger


def check_all_frames(batch, data):
    for number, video in enumerate(VIDEOS):
        frames = expected(video, data)[: data.max_frames]
        assert batch["num_frames"][number] == len(frames)
        np.testing.assert_array_equal(batch["video_matrix"][number, : len(frames)], frames)
        assert not batch["video_matrix"][number, len(frames) :].any()


def test_zero_is_the_byte_nearest_to_it():
    assert np.abs(dequantize(np.arange(256).astype(np.uint8))).argmin() == ZERO


@pytest.mark.parametrize("options", [{}, {"max_bad_records": 1}, {"pad_to_max_frames": True}])
@pytest.mark.parametrize("data", [TRIM, PAD])
def test_all_frames(path, data, options):
    batch, ledger = one_batch(path, data, **options)
    check_all_frames(batch, data)
    assert not ledger.bad
    assert ledger.summary() == (
        "5 videos with features that differ by up to 9 frames; --unequal_frames says how they are "
        "read (trim unless given)"
    )


@pytest.mark.parametrize("data", [TRIM, PAD])
def test_sampled_frames(path, data):
    batch, _ = one_batch(path, data, sample_frames=40)
    for number, video in enumerate(VIDEOS):
        frames = expected(video, data)[: data.max_frames]
        assert batch["num_frames"][number] == (40 if len(frames) else 0)
        if len(frames):
            drawn = {row.tobytes() for row in batch["video_matrix"][number]}
            assert drawn <= {row.tobytes() for row in frames}
        if 0 < len(frames) <= 7:  # 40 draws of 7 miss one with a probability of 0.002
            assert drawn == {row.tobytes() for row in frames}


@pytest.mark.parametrize("max_bad_records", [0, 1])
@pytest.mark.parametrize("data", [TRIM, PAD])
def test_segments(path, data, max_bad_records):
    segments = dataclasses.replace(data, segment_labels=True)
    batch, _ = one_batch(path, segments, max_bad_records=max_bad_records)
    rated = [number for number, counts in enumerate(COUNTS) if min(counts) > 2]
    assert batch["video_ids"].tolist() == [b"%d" % number for number in rated for _ in "02"]
    places = [(number, start) for number in rated for start in (0, 2)]
    for place, (number, start) in enumerate(places):
        frames = expected(VIDEOS[number], data)[start : start + 5]
        assert batch["num_frames"][place] == len(frames)
        np.testing.assert_array_equal(batch["video_matrix"][place, : len(frames)], frames)


@pytest.mark.parametrize("data", [TRIM, PAD])
def test_frame_table(path, data, tmp_path):
    index = index_records([path], ledger=None)
    table = FrameTable(VideoIds(index.ids), [path], index.file_numbers, index.offsets, data)
    table.save(tmp_path / "table")
    loaded = FrameTable.load(tmp_path / "table")
    assert loaded.data == data
    check_all_frames(loaded.inputs(np.arange(len(VIDEOS))), data)


@pytest.mark.parametrize("max_bad_records", [0, 1])
def test_error_names_the_flag_and_its_default(path, max_bad_records):
    reason = (
        "video '0': the features differ in their number of frames: {'rgb': 7, 'audio': 6}; "
        "--unequal_frames=trim, the default, or pad reads them"
    )
    limit = "more than --max_bad_records=1 bad records: " if max_bad_records else ""
    with pytest.raises(ValueError, match="^" + re.escape(limit + path)) as raised:
        one_batch(path, ERROR, max_bad_records=max_bad_records)
    if not max_bad_records:
        assert str(raised.value) == f"{path}: record 0 (counted from 0): {reason}"


@pytest.mark.parametrize("max_bad_records", [0, 1])
@pytest.mark.parametrize(("data", "is_read"), [(TRIM, True), (PAD, False)])
def test_surplus_frames_of_a_wrong_size(tmp_path, data, is_read, max_bad_records):
    """Only frames that are read must have the size of the feature."""
    path = str(tmp_path / "wrong")
    video = {"rgb": VIDEOS[0]["rgb"], "audio": np.zeros((0, 2), np.uint8)}
    wrong = {**video, "rgb": np.zeros((2, 4), np.uint8)}
    write_records(path, [frame_record(b"a", [1], wrong), frame_record(b"b", [1], video)])
    if is_read:
        batch, _ = one_batch(path, data, max_bad_records=max_bad_records)
        assert batch["num_frames"].tolist() == [0, 0]
    elif max_bad_records:
        batch, ledger = one_batch(path, data, max_bad_records=max_bad_records)
        assert batch["num_frames"].tolist() == [7]
        assert "frame 0 of feature 'rgb' has 4 bytes, not the 3" in ledger.bad[0].reason
    else:
        with pytest.raises(ValueError, match="frame 0 of feature 'rgb' has 4 bytes, not the 3"):
            one_batch(path, data)
