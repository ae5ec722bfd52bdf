"""Tests of reading records whose frames are floats."""

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.inspect.file_report import inspect_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, write_records

DATA = DataConfig(
    ("rgb", "audio"), (3, 2), frame_features=True, num_classes=4, max_frames=5, float_frames=True
)
LENGTHS = [4, 0, 7]


def videos(lengths=LENGTHS, short=0):
    """Features of videos; the sound of each has `short` frames less."""
    rng = np.random.default_rng(0)
    return [
        {
            "rgb": rng.normal(0, 3, (length, 3)).astype(np.float32),
            "audio": rng.normal(0, 3, (max(length - short, 0), 2)).astype(np.float32),
        }
        for length in lengths
    ]


def written(path, features, **context):
    write_records(
        path, [frame_record(b"v%d" % n, [n], each, **context) for n, each in enumerate(features)]
    )
    return [str(path)]


def read(files, data=DATA, **options):
    (batch,) = Pipeline(files, data, PipelineOptions(batch_size=8, **options))
    return {name: value.numpy() for name, value in batch.items()}


def side_by_side(features, length):
    num_frames = min(len(features["audio"]), len(features["rgb"]), length)
    frames = np.zeros((length, 5), np.float32)
    frames[:num_frames] = np.concatenate(
        [features["rgb"][:num_frames], features["audio"][:num_frames]], axis=1
    )
    return frames


def test_every_frame_is_read_as_it_is(tmp_path):
    features = videos()
    batch = read(written(tmp_path / "r.tfrecord", features))
    assert batch["num_frames"].tolist() == [4, 0, 5]
    assert batch["video_matrix"].dtype == np.float32
    expected = np.stack([side_by_side(each, 5) for each in features])
    np.testing.assert_array_equal(batch["video_matrix"], expected)


def test_sampled_frames_are_frames_of_the_video(tmp_path):
    features = videos()
    batch = read(written(tmp_path / "r.tfrecord", features), sample_frames=6)
    assert batch["num_frames"].tolist() == [6, 0, 6]
    assert not batch["video_matrix"][1].any()
    rows = {tuple(row) for row in side_by_side(features[0], 4).tolist()}
    sampled = {tuple(row) for row in batch["video_matrix"][0].tolist()}
    assert sampled <= rows
    assert len(sampled) > 1


@pytest.mark.parametrize(("rule", "num_frames"), [("trim", [2, 0, 5]), ("pad", [4, 0, 5])])
def test_features_of_unequal_length(tmp_path, rule, num_frames):
    features = videos(short=2)
    data = DataConfig(**{**vars(DATA), "unequal_frames": rule})
    batch = read(written(tmp_path / "r.tfrecord", features), data)
    assert batch["num_frames"].tolist() == num_frames
    matrix = batch["video_matrix"]
    if rule == "trim":
        np.testing.assert_array_equal(matrix[0], side_by_side(features[0], 5))
    else:
        np.testing.assert_array_equal(matrix[0, :4, :3], features[0]["rgb"])
        np.testing.assert_array_equal(matrix[0, :2, 3:], features[0]["audio"])
        assert not matrix[0, 2:, 3:].any()


def test_segments(tmp_path):
    features = videos([7])
    segments = [(0, 5, 1, 1.0), (5, 10, 2, 0.0)]
    files = written(tmp_path / "r.tfrecord", features, segments=segments)
    batch = read(files, DataConfig(**{**vars(DATA), "segment_labels": True}))
    whole = side_by_side(features[0], 7)
    np.testing.assert_array_equal(batch["video_matrix"][0], whole[:5])
    np.testing.assert_array_equal(batch["video_matrix"][1, :2], whole[5:])
    assert not batch["video_matrix"][1, 2:].any()
    assert batch["num_frames"].tolist() == [5, 2]


def test_what_does_not_fit_is_named(tmp_path):
    floats = written(tmp_path / "floats.tfrecord", videos())
    with pytest.raises(ValueError, match="'rgb' must be bytes; it is floats, which --float_frames"):
        read(floats, DataConfig(**{**vars(DATA), "float_frames": False}))
    quantised = [{name: np.zeros((2, 3), np.uint8) for name in ("rgb", "audio")}]
    with pytest.raises(ValueError, match="'rgb' must be floats, by --float_frames; it is bytes"):
        read(written(tmp_path / "bytes.tfrecord", quantised))
    with pytest.raises(ValueError, match="frame 0 of feature 'audio' has 2 values, not the 3"):
        read(floats, DataConfig(**{**vars(DATA), "feature_sizes": (3, 3)}))
    broken = videos()
    broken[2]["audio"][1, 1] = np.nan
    with pytest.raises(ValueError, match=r"video 'v2': value 1 of .*frame 1 of feature 'audio'"):
        read(written(tmp_path / "nan.tfrecord", broken))


def test_bad_records_are_skipped(tmp_path):
    broken = videos()
    broken[0]["rgb"][0, 0] = np.inf
    batch = read(written(tmp_path / "r.tfrecord", broken), max_bad_records=1)
    assert batch["video_ids"].tolist() == [b"v1", b"v2"]


def test_inspect_counts_values(tmp_path):
    (report,) = inspect_files(written(tmp_path / "r.tfrecord", videos())[0])
    assert report.level == "frame"
    assert {name: set(sizes) for name, sizes in report.features.items()} == {
        "rgb": {3},
        "audio": {2},
    }
    assert not report.corrupt


def test_video_level_has_no_use_of_it():
    with pytest.raises(ValueError, match="--float_frames needs --frame_features"):
        DataConfig(float_frames=True)
