"""Frame tables: the right frames of the right videos, from where the index says they are."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_index import index_records
from yt8m_models.data.record_reader import record_size
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.load_features import load_features

DATA = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=9, max_frames=12)


def frames_of(number):
    """Frames of video `number`, 3 to 13 of them, uint8 `(frames, 8)`, none of them 0."""
    rng = np.random.default_rng(number)
    return rng.integers(1, 256, (3 + number % 11, 8)).astype(np.uint8)


def record_of(number):
    frames = frames_of(number)
    features = {"rgb": frames[:, :6], "audio": frames[:, 6:]}
    return frame_record(b"video%d" % number, [number % 9], features)


@pytest.fixture
def files(tmp_path):
    """30 videos in files of 12, 1 and 17."""
    paths = []
    for name, start, end in [("a", 0, 12), ("b", 12, 13), ("c", 13, 30)]:
        paths.append(str(tmp_path / f"{name}.tfrecord"))
        write_records(paths[-1], map(record_of, range(start, end)))
    return paths


def open_table(files, data=DATA):
    index = index_records(files, Ledger())
    return FrameTable(VideoIds(index.ids), files, index.file_numbers, index.offsets, data)


def test_the_index_finds_every_record(files):
    index = index_records(files, Ledger())
    assert index.ids.tolist() == [b"video%d" % number for number in range(30)]
    assert index.file_numbers.tolist() == [0] * 12 + [1] + [2] * 17
    assert index.numbers.tolist() == [*range(12), 0, *range(17)]
    for number, file, offset in zip(range(30), index.file_numbers, index.offsets, strict=True):
        content = Path(files[file]).read_bytes()[offset + 12 :]
        expected = record_of(number)
        assert content[: len(expected)] == expected


def test_inputs_are_all_frames_in_the_order_of_rows(files):
    rows = np.array([29, 0, 12, 0, 9])
    inputs = open_table(files).inputs(rows)
    assert sorted(inputs) == ["num_frames", "video_matrix"]
    matrix, num_frames = inputs["video_matrix"], inputs["num_frames"]
    assert (matrix.dtype, num_frames.dtype) == (np.uint8, np.int32)
    assert num_frames.tolist() == [10, 3, 4, 3, 12]  # 3 + 29 % 11, …
    for row, frames, count in zip(rows, matrix, num_frames, strict=True):
        assert np.array_equal(frames[:count], frames_of(row))
        assert not frames[count:].any()
    # video 10 has 13 frames, one more than max_frames
    assert open_table(files).inputs(np.array([10]))["num_frames"].tolist() == [12]


def test_sampled_frames_are_of_the_video_and_by_the_seed(files):
    table, rows = open_table(files), np.arange(30)
    inputs = table.inputs(rows, sample_frames=40, seed=3)
    assert inputs["video_matrix"].shape == (30, 40, 8)
    assert inputs["num_frames"].tolist() == [40] * 30
    for row, frames in zip(rows, inputs["video_matrix"], strict=True):
        drawn = {frame.tobytes() for frame in frames}
        there = {frame.tobytes() for frame in frames_of(row)[:12]}
        assert drawn <= there
        assert len(drawn) > 1
    again = table.inputs(rows, sample_frames=40, seed=3)["video_matrix"]
    other = table.inputs(rows, sample_frames=40, seed=4)["video_matrix"]
    assert np.array_equal(again, inputs["video_matrix"])
    assert not np.array_equal(other, inputs["video_matrix"])


def test_select_reads_some_features(files):
    table = open_table(files).select(["audio"])
    assert (table.names, table.sizes, table.num_features) == (("audio",), (2,), 2)
    inputs = table.inputs(np.array([4]))
    assert np.array_equal(inputs["video_matrix"][0, :7], frames_of(4)[:, 6:])
    with pytest.raises(ValueError, match="some of rgb, audio, each once; received depth"):
        open_table(files).select(["depth"])


def test_save_and_load(tmp_path, files):
    open_table(files).save(tmp_path / "table")
    table = load_features(tmp_path / "table")
    assert isinstance(table, FrameTable)
    assert (table.data, len(table)) == (DATA, 30)
    rows = np.array([13, 1])
    expected = open_table(files).inputs(rows, 5, 1)["video_matrix"]
    assert np.array_equal(table.inputs(rows, 5, 1)["video_matrix"], expected)
    assert load_features(tmp_path / "table", ("audio",)).num_features == 2
    with pytest.raises(ValueError, match="already holds features"):
        table.save(tmp_path / "table")


def test_context_behind_the_frames_and_large_contexts_are_found(tmp_path):
    """Protocol buffers may come in any order of fields, and ids behind thousands of labels."""
    example = tf.train.SequenceExample.FromString(record_of(1))
    context = tf.train.SequenceExample(context=example.context).SerializeToString()
    lists = tf.train.SequenceExample(feature_lists=example.feature_lists).SerializeToString()
    features = {"rgb": frames_of(2)[:, :6], "audio": frames_of(2)[:, 6:]}
    large = frame_record(b"video2", [8] * 5000, features, id_name="video_id")
    path = str(tmp_path / "x.tfrecord")
    write_records(path, [lists + context, large, record_of(3)])
    table = open_table([path])
    assert table.ids.to_array().tolist() == [b"video1", b"video2", b"video3"]
    matrix = table.inputs(np.arange(3))["video_matrix"]
    assert np.array_equal(matrix[2, :6], frames_of(3))


def damage(path, place, content=b"\xff\xff"):
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(content)


def test_corrupt_content_is_named_by_file_and_byte(files):
    table = open_table(files)
    offset = sum(record_size(len(record_of(number))) for number in range(13, 15))
    damage(files[2], offset + 80)
    with pytest.raises(ValueError, match=rf"c\.tfrecord, record at byte {offset}: cannot be read"):
        table.inputs(np.array([3, 15, 20]))
    assert len(table.inputs(np.array([3, 20]))["num_frames"]) == 2


def test_other_corruption_is_found_by_the_index(tmp_path, files):
    offset = record_size(len(record_of(0)))
    damage(files[0], offset)
    message = r"a\.tfrecord: record 1 .*its length is corrupt"
    with pytest.raises(ValueError, match=message):
        index_records(files, Ledger())
    ledger = Ledger(1)
    index = index_records(files, ledger)
    assert index.ids.tolist() == [b"video0", *(b"video%d" % number for number in range(12, 30))]
    assert len(ledger.bad) == 1
    for content, reason in [
        (Path(files[1]).read_bytes()[:-3], "the file ends within the record: "),
        (Path(files[1]).read_bytes() + b"1234", "ends within the record, 4 bytes after"),
        (b"id,label\n" * 5, "is not a TFRecord file; it begins with b'id,label"),
        (b"", "the file is empty"),
    ]:
        path = tmp_path / "cut.tfrecord"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"cut\.tfrecord: record [01] .*{reason}"):
            index_records([str(path)], Ledger())
    with pytest.raises(ValueError, match=r"none\.tfrecord: cannot be read"):
        index_records([str(tmp_path / "none.tfrecord")], Ledger())


def test_records_of_another_format_are_explained(tmp_path, files):
    wide = DataConfig(("rgb", "audio"), (6, 3), frame_features=True)
    with pytest.raises(ValueError, match=r"a\.tfrecord, record at byte 0: video 'video0': .*audio"):
        open_table(files, wide).inputs(np.array([0]))
    path = str(tmp_path / "video.tfrecord")
    write_records(path, [video_record(b"v", [], {"mean_rgb": np.zeros(6)})])
    with pytest.raises(ValueError, match="looks like a video-level record"):
        open_table([path]).inputs(np.array([0]))


def test_records_that_changed_since_are_refused(tmp_path, files):
    open_table(files).save(tmp_path / "table")
    write_records(files[1], [record_of(23)])  # as long as that of video 12
    table = load_features(tmp_path / "table")
    message = r"b\.tfrecord, record at byte 0: it is of video 'video23', and was of 'video12'"
    with pytest.raises(ValueError, match=message):
        table.inputs(np.array([12]))
    write_records(files[1], [record_of(13)])
    with pytest.raises(ValueError, match=r"b\.tfrecord had \d+ bytes when .* was built"):
        load_features(tmp_path / "table")
    Path(files[1]).unlink()
    with pytest.raises(ValueError, match=r"b\.tfrecord had .*no such file"):
        load_features(tmp_path / "table")


def test_wrong_arguments_are_refused(files):
    table = open_table(files)
    with pytest.raises(ValueError, match="rows must be 0 to 29; received -1"):
        table.inputs(np.array([-1]))
    with pytest.raises(ValueError, match="at least one video; received none"):
        table.inputs(np.zeros(0, int))
    with pytest.raises(ValueError, match="one entry a video; received 30, 2 and 2"):
        FrameTable(table.ids, files, np.zeros(2, int), np.zeros(2, int), DATA)
    with pytest.raises(ValueError, match="must be of frame-level records"):
        FrameTable(table.ids, files, np.zeros(30, int), np.zeros(30, int), DataConfig())
