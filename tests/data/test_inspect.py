"""Tests of `yt8m_models.data.inspect`: what it finds in good and corrupt files, and its forms."""

import json
import pathlib
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.inspect.__main__ import PROGRAM, InspectConfig
from yt8m_models.data.inspect.file_report import FileReport, inspect_files
from yt8m_models.data.inspect.record_summary import summarize
from yt8m_models.data.inspect.report import as_dict, most_frequent, render, spread
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.program.command import UsageError
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic

SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared"


def _frames(num_frames, sizes=(6, 2)):
    names = ("rgb", "audio")
    return {
        name: np.zeros((num_frames, size), np.uint8)
        for name, size in zip(names, sizes, strict=True)
    }


@pytest.fixture
def frame_file(tmp_path):
    """Videos of 3, 0, 5 and 4 frames with the labels 1 2, none, 2 7 and 2."""
    path = tmp_path / "frames.tfrecord"
    write_records(
        path,
        [
            frame_record(b"aaaa", [1, 2], _frames(3)),
            frame_record(b"bbbb", [], _frames(0)),
            frame_record(b"cccc", [2, 7], _frames(5)),
            frame_record(b"dddd", [2], _frames(4), id_name="video_id"),
        ],
    )
    return path


def test_frame_level(frame_file):
    (report,) = inspect_files(str(frame_file))
    assert report.file == str(frame_file)
    assert report.records == 4
    assert report.level == "frame"
    assert report.features == {"rgb": {6: 3}, "audio": {2: 3}}
    assert report.frames == {3: 1, 0: 1, 5: 1, 4: 1}
    assert report.labels == {2: 3, 1: 1, 7: 1}
    assert report.labels_per_video == {2: 2, 0: 1, 1: 1}
    assert report.complete
    assert not report.corrupt


def test_video_level(tmp_path):
    path = tmp_path / "videos.tfrecord"
    features = {"mean_rgb": np.zeros(6, np.float32), "mean_audio": np.zeros(2, np.float32)}
    write_records(path, [video_record(b"aaaa", [3], features)])
    (report,) = inspect_files(str(path))
    assert report.level == "video"
    assert report.features == {"mean_rgb": {6: 1}, "mean_audio": {2: 1}}
    assert not report.frames
    assert report.labels == {3: 1}


def test_segment_level(tmp_path):
    path = tmp_path / "segments.tfrecord"
    segments = [(0, 5, 3, 1.0), (0, 5, 4, 0.0), (5, 10, 3, 0.0)]
    write_records(path, [frame_record(b"aaaa", [3], _frames(10), segments)])
    (report,) = inspect_files(str(path))
    assert report.level == "segment"
    assert report.ratings == {True: 1, False: 2}


def test_several_levels_and_sizes_in_one_file(tmp_path):
    path = tmp_path / "mixed.tfrecord"
    records = [
        frame_record(b"aaaa", [0], _frames(1)),
        frame_record(b"bbbb", [0], _frames(1, (8, 2))),
    ]
    records.append(video_record(b"cccc", [0], {"mean_rgb": np.zeros(6, np.float32)}))
    write_records(path, records)
    (report,) = inspect_files(str(path))
    assert report.level == "frame+video"
    assert as_dict([report])["files"][0]["features"] == {
        "rgb": [6, 8],
        "mean_rgb": [6],
        "audio": [2],
    }
    assert "rgb 6/8, mean_rgb 6, audio 2" in render([report])


@pytest.mark.parametrize(
    ("serialized", "message"),
    [
        (b"no record", "neither an Example nor a SequenceExample; it begins with b'no record'"),
        (b"", "it has no id; there are no features"),
        (video_record(b"aaaa", [1], {}), "it has no features; there are id, labels"),
        (
            video_record(b"aaaa", [1], {"mean_rgb": [0, 1], "mean_audio": [0, np.inf]}),
            "value 1 of feature 'mean_audio' must be finite; it is inf",
        ),
        (
            frame_record(b"aaaa", [1], _frames(3), [(0, 5, 1, np.nan)]),
            "value 0 of feature 'segment_scores' must be finite; it is nan",
        ),
    ],
)
def test_records_that_are_none(serialized, message):
    with pytest.raises(ValueError, match=message):
        summarize(serialized)


def test_frames_of_several_sizes():
    example = tf.train.SequenceExample.FromString(frame_record(b"aaaa", [1], _frames(3)))
    example.feature_lists.feature_list["rgb"].feature[2].bytes_list.value[0] = b"short"
    with pytest.raises(ValueError, match="'rgb' has 6 bytes in frame 0 and 5 in frame 2"):
        summarize(example.SerializeToString())


def test_features_of_unequal_lengths(tmp_path):
    path = tmp_path / "unequal.tfrecord"
    videos = [
        _frames(3),
        _frames(3) | {"rgb": np.zeros((5, 6), np.uint8)},
        {"rgb": _frames(4)["rgb"]},
    ]
    videos.append(_frames(9) | {"audio": np.zeros((8, 2), np.uint8)})
    write_records(path, [frame_record(b"%d" % n, [1], video) for n, video in enumerate(videos)])
    (report,) = inspect_files(str(path))
    assert report.frames == {3: 2, 4: 1, 8: 1}
    assert report.surplus_frames == {2: 1, 1: 1}
    assert not report.corrupt
    total = FileReport.total([report, report])
    assert as_dict([total])["total"]["unequal_frames"] == {"videos": 4, "largest_difference": 2}
    note = "features of unequal lengths: 2 videos, by up to 2 frames (--unequal_frames)"
    assert note in render([report]).splitlines()


def test_segment_lists_of_several_lengths():
    segments = [(0, 5, 3, 1.0)]
    example = tf.train.SequenceExample.FromString(frame_record(b"aaaa", [3], _frames(5), segments))
    example.context.feature["segment_scores"].float_list.value.append(1.0)
    with pytest.raises(ValueError, match="differ in length: 1, 1 and 2"):
        summarize(example.SerializeToString())


def test_corrupt_files(tmp_path, frame_file):
    content = frame_file.read_bytes()
    record_sizes = [16 + len(r.numpy()) for r in tf.data.TFRecordDataset(str(frame_file))]
    flipped = bytearray(content)
    flipped[record_sizes[0] + 20] ^= 1
    (tmp_path / "flipped.tfrecord").write_bytes(flipped)
    (tmp_path / "half.tfrecord").write_bytes(content[: sum(record_sizes[:2]) + 30])
    (tmp_path / "empty.tfrecord").write_bytes(b"")
    (tmp_path / "table.tfrecord").write_text("VideoId,LabelConfidencePairs\naaaa,1 0.5\n")
    write_records(tmp_path / "text.tfrecord", [frame_record(b"aaaa", [], _frames(1)), b"text"])

    reports = inspect_files(f"{tmp_path}/*.tfrecord")
    found = {
        pathlib.Path(report.file).stem: [entry.record for entry in report.corrupt]
        for report in reports
    }
    assert found == {
        **{"empty": [0], "flipped": [1], "frames": [], "half": [2]},
        **{"table": [0], "text": [1]},
    }
    flipped_report = reports[1]
    assert flipped_report.records == 4
    assert flipped_report.levels == {"frame": 3}
    assert flipped_report.corrupt[0].reason == "its content does not match its checksum"

    text = render(reports)
    assert f"  {tmp_path}/text.tfrecord: record 1: neither an Example nor a Seq" in text
    assert "corrupt: 5 (records count from 0)" in text
    assert "without labels: 3 videos" in text
    report = as_dict(reports)
    assert report["total"]["num_corrupt"] == 5
    assert report["files"][1]["corrupt"][0]["record"] == 1


def test_many_corrupt_records_are_cut_in_the_table_alone(tmp_path):
    path = tmp_path / "text.tfrecord"
    write_records(path, [b"text"] * 25)
    reports = inspect_files(str(path))
    assert len(as_dict(reports)["files"][0]["corrupt"]) == 25
    assert render(reports).endswith(
        "record 19: neither an Example nor a SequenceExample; it begins "
        "with b'text'\n  … and 5 more (--json has all)"
    )


def test_max_records(frame_file):
    (report,) = inspect_files(str(frame_file), max_records=2)
    assert report.records == 2
    assert report.labels == {1: 1, 2: 1}
    assert not report.complete
    assert "there are more records" in render([report])
    (report,) = inspect_files(str(frame_file), max_records=4)
    assert report.complete


def test_total(frame_file):
    reports = inspect_files(f"{frame_file},{frame_file}") + inspect_files(str(frame_file))
    total = FileReport.total(reports)
    assert len(reports) == 2
    assert total.files == 2
    assert total.records == 8
    assert total.labels == {2: 6, 1: 2, 7: 2}
    assert total.features == {"rgb": {6: 6}, "audio": {2: 6}}


def test_table(frame_file, tmp_path):
    copy = tmp_path / "a_much_longer_name.tfrecord"
    copy.write_bytes(frame_file.read_bytes())
    lines = render(inspect_files(f"{tmp_path}/*.tfrecord")).splitlines()
    assert lines[0] == f"{tmp_path}:"
    assert lines[1].split("  ")[0] == "file"
    widths = {line.index("rgb 6, audio 2") for line in lines[3:5] + lines[6:7]}
    assert len(widths) == 1
    assert lines[1].index("features") in widths
    assert " ".join(lines[4].split()) == (
        "frames.tfrecord 4 0 frame rgb 6, audio 2 0–5, mean 3 0–2, mean 1.2 3 2 (3), 1 (1), 7 (1)"
    )
    assert lines[6].startswith("total of 2 files")
    assert lines[-3:] == ["labels: 1 to 7", "without labels: 2 videos", "without frames: 2 videos"]


def test_json(frame_file):
    report = json.loads(json.dumps(as_dict(inspect_files(str(frame_file)))))
    (entry,) = report["files"]
    assert report["total"] == entry | {"file": "total", "num_files": 1}
    assert entry == {
        "file": str(frame_file),
        "records": 4,
        "complete": True,
        "level": "frame",
        "features": {"rgb": [6], "audio": [2]},
        "frames": {"min": 0, "mean": 3.0, "max": 5},
        "videos_without_frames": 1,
        "unequal_frames": {"videos": 0, "largest_difference": 0},
        "labels": {
            "per_video": {"min": 0, "mean": 1.25, "max": 2},
            "distinct": 3,
            "lowest": 1,
            "highest": 7,
            "most_frequent": [
                {"label": 2, "videos": 3},
                {"label": 1, "videos": 1},
                {"label": 7, "videos": 1},
            ],
        },
        "videos_without_labels": 1,
        "segment_ratings": {"positive": 0, "negative": 0},
        "num_corrupt": 0,
        "corrupt": [],
    }


def test_spread_and_most_frequent():
    assert spread(Counter()) is None
    assert spread(Counter({3: 2, 9: 1})) == {"min": 3, "mean": 5.0, "max": 9}
    assert most_frequent(Counter({5: 1, 3: 1, 4: 2}), 2) == [(4, 2), (3, 1)]


def test_generated_data(tmp_path):
    for level in ("frame", "video", "segment"):
        sizes = {"num_classes": 20, "feature_sizes": (8, 2)}
        paths = write_synthetic(SyntheticConfig(str(tmp_path), level, 6, 2, level, **sizes))
        reports = inspect_files(",".join(paths))
        assert {report.level for report in reports} == {level}
        assert FileReport.total(reports).records == 6
        assert not FileReport.total(reports).corrupt


def test_real_video_level_records():
    directory = SHARED / "data" / "youtube8m_video_level"
    if not directory.exists():
        pytest.skip("the real records are not here")
    reports = inspect_files(f"{directory}/*.tfrecord")
    total = FileReport.total(reports)
    assert total.files == 4
    assert total.records == 1140
    assert total.level == "video"
    assert total.features == {"mean_rgb": {1024: 1140}, "mean_audio": {128: 1140}}
    assert not total.corrupt
    assert 0 <= min(total.labels) <= max(total.labels) < 3862


def test_recorded_readers_files():
    directory = SHARED / "parity" / "readers"
    if not directory.exists():
        pytest.skip("the recorded files are not here")
    levels = {
        pathlib.Path(report.file).stem: report.level
        for report in inspect_files(f"{directory}/*.tfrecord")
    }
    assert levels == {"frames": "frame", "segments": "segment", "videos": "video"}


def test_patterns_are_positional_or_a_flag():
    assert PROGRAM.parse(["a*", "--json", "b"])[InspectConfig] == InspectConfig("a*,b", json=True)
    assert PROGRAM.parse(["--pattern=a"])[InspectConfig] == InspectConfig("a")
    assert PROGRAM.parse(["a"]).given == {"pattern"}
    with pytest.raises(UsageError, match="received both --pattern=a and b c"):
        PROGRAM.parse(["--pattern=a", "b", "c"])
    with pytest.raises(UsageError, match="--pattern must be given"):
        PROGRAM.parse([])
    with pytest.raises(UsageError, match="--max_records must be at least 0; received -1"):
        PROGRAM.parse(["a", "--max_records=-1"])
    assert PROGRAM.help().startswith("usage: yt8m inspect PATTERN …")


def test_program(frame_file, tmp_path, run_here):
    status, output, _ = run_here(PROGRAM, frame_file, "--json")
    assert status == 0
    assert json.loads(output)["total"]["records"] == 4
    status, _, errors = run_here(PROGRAM, f"{tmp_path}/none*")
    assert status == 1
    assert "none*" in errors
