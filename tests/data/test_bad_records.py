"""Bad input: each case is named with its file and record, or skipped and counted."""

import dataclasses
import gzip
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.record_checks import check_record
from yt8m_models.data.record_reader import BadRecord, masked_crc32c, read_records
from yt8m_models.data.records import frame_record, video_record, write_records

FRAMES = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=9)
SEGMENTS = dataclasses.replace(FRAMES, segment_labels=True)
VIDEOS = DataConfig(("mean_rgb", "mean_audio"), (6, 2), num_classes=9)


def frames(count=3, **sizes):
    sizes = {"rgb": 6, "audio": 2, **sizes}
    return {name: np.ones((count, size), np.uint8) for name, size in sizes.items()}


def means(**sizes):
    sizes = {"mean_rgb": 6, "mean_audio": 2, **sizes}
    return {name: np.ones(size) for name, size in sizes.items()}


def good(number, data=FRAMES):
    video_id = b"g%d" % number
    if not data.frame_features:
        return video_record(video_id, [1], means())
    segments = [(0, 5, 1, 1.0)] if data.segment_labels else None
    return frame_record(video_id, [1], frames(), segments)


def without(features, *names):
    return {name: value for name, value in features.items() if name not in names}


def sequence(**context):
    """A frame-level record with the given features in its context."""
    record = tf.train.SequenceExample.FromString(frame_record(b"bad", [], frames()))
    for name, feature in context.items():
        record.context.feature[name].CopyFrom(feature)
    return record.SerializeToString()


def frame_values(*values, kind="bytes_list"):
    """A frame-level record whose frame 1 of `audio` has these values."""
    record = tf.train.SequenceExample.FromString(frame_record(b"bad", [], frames()))
    frame = record.feature_lists.feature_list["audio"].feature[1]
    frame.Clear()
    getattr(frame, kind).value.extend(values)
    return record.SerializeToString()


def ints(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(*values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def strings(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


BAD = {
    "missing feature list": (
        FRAMES,
        frame_record(b"bad", [1], without(frames(), "audio")),
        "video 'bad': feature list 'audio' is missing; there are rgb",
    ),
    "video level given as frame level": (
        FRAMES,
        video_record(b"bad", [1], means()),
        "video 'bad': feature list 'rgb' is missing; there are none (and outside of the lists id, "
        "labels, mean_audio, mean_rgb); this looks like a video-level record, "
        "which video-level models read (without --frame_features); its name here is mean_rgb, "
        "change --feature_names",
    ),
    "frame size": (
        FRAMES,
        frame_record(b"bad", [1], frames(audio=3)),
        "video 'bad': frame 0 of feature 'audio' has 3 bytes, not the 2 of --feature_sizes",
    ),
    "one frame's size": (
        FRAMES,
        frame_values(b"abc"),
        "video 'bad': frame 1 of feature 'audio' has 3 bytes, not the 2 of --feature_sizes",
    ),
    "empty frame": (
        FRAMES,
        frame_values(b""),
        "video 'bad': frame 1 of feature 'audio' has 0 bytes, not the 2 of --feature_sizes",
    ),
    "frame of floats": (
        FRAMES,
        frame_values(0.5, 1.5, kind="float_list"),
        "video 'bad': frame 1 of feature 'audio' must be bytes; it is floats, which --float_frames "
        "reads",
    ),
    "frame of two values": (
        FRAMES,
        frame_values(b"ab", b"cd"),
        "video 'bad': frame 1 of feature 'audio' must be one value; it has 2",
    ),
    "frame counts": (
        dataclasses.replace(FRAMES, unequal_frames="error"),
        frame_record(b"bad", [1], {**frames(3), "audio": frames(4)["audio"]}),
        "video 'bad': the features differ in their number of frames: {'rgb': 3, 'audio': 4}; "
        "--unequal_frames=trim, the default, or pad reads them",
    ),
    "not a number": (
        VIDEOS,
        video_record(b"bad", [1], {**means(), "mean_audio": [1, np.nan]}),
        "video 'bad': value 1 of feature 'mean_audio' must be finite; it is nan",
    ),
    "infinite both ways": (
        VIDEOS,
        video_record(b"bad", [1], {**means(), "mean_rgb": [1, 2, -np.inf, 4, np.inf, 6]}),
        "video 'bad': value 2 of feature 'mean_rgb' must be finite; it is -inf",
    ),
    "score that is not a number": (
        SEGMENTS,
        frame_record(b"bad", [1], frames(), [(0, 5, 1, np.nan)]),
        "video 'bad': value 0 of feature 'segment_scores' must be finite; it is nan",
    ),
    "field in a map of the context": (
        FRAMES,
        # Field 5 in place of field 2, the value of the entry `labels`.
        frame_record(b"bad", [1], frames()).replace(b"labels\x12", b"labels\x2a"),
        "the record is not a well-formed SequenceExample; TensorFlow cannot parse it",
    ),
    "bytes that are no text": (
        VIDEOS,
        video_record(b"\x92", [1], means()).replace(b"labels\x12", b"labels\x2a"),
        "the record is not a well-formed Example; TensorFlow cannot parse it",
    ),
    "label above": (
        FRAMES,
        frame_record(b"bad", [1, 9], frames()),
        "video 'bad': label 9 in 'labels' is not among the classes 0 to 8 (--num_classes=9)",
    ),
    "label below": (
        VIDEOS,
        video_record(b"bad", [-1], means()),
        "video 'bad': label -1 in 'labels' is not among the classes 0 to 8 (--num_classes=9)",
    ),
    "labels of floats": (
        FRAMES,
        sequence(labels=floats(1.0)),
        "video 'bad': feature 'labels' must be integers; it is floats",
    ),
    "id of integers": (FRAMES, sequence(id=ints(3)), "feature 'id' must be bytes; it is integers"),
    "two ids": (
        FRAMES,
        sequence(id=strings(b"bad", b"worse")),
        "video 'bad': 'id' must have one value; it has 2",
    ),
    "not a proto": (
        FRAMES,
        b"\xff\xff\xff\xff no proto",
        r"the record is not a SequenceExample; it begins with b'\xff\xff\xff\xff no proto'",
    ),
    "missing feature": (
        VIDEOS,
        video_record(b"bad", [1], without(means(), "mean_audio")),
        "video 'bad': feature 'mean_audio' is missing; there are id, labels, mean_rgb",
    ),
    "frame level given as video level": (
        VIDEOS,
        frame_record(b"bad", [1], frames()),
        "video 'bad': feature 'mean_rgb' is missing; there are id, labels; this looks like a "
        "frame-level record, with audio, rgb, which frame-level models read (with "
        "--frame_features)",
    ),
    "feature size": (
        VIDEOS,
        video_record(b"bad", [1], means(mean_rgb=7)),
        "video 'bad': feature 'mean_rgb' has 7 values, not the 6 of --feature_sizes",
    ),
    "feature of integers": (
        VIDEOS,
        tf.train.Example(
            features=tf.train.Features(feature={"id": strings(b"bad"), "mean_rgb": ints(*range(6))})
        ).SerializeToString(),
        "video 'bad': feature 'mean_rgb' must be floats; it is integers",
    ),
    "segment class": (
        SEGMENTS,
        frame_record(b"bad", [1], frames(), [(0, 5, 9, 1.0)]),
        "video 'bad': label 9 in 'segment_labels' is not among the classes 0 to 8 "
        "(--num_classes=9)",
    ),
    "segment start": (
        SEGMENTS,
        frame_record(b"bad", [1], frames(), [(0, 5, 1, 1.0), (3, 8, 1, 1.0)]),
        "video 'bad': a segment starts at frame 3; the video has 3 frames",
    ),
    "negative segment start": (
        SEGMENTS,
        frame_record(b"bad", [1], frames(), [(-1, 4, 1, 1.0)]),
        "video 'bad': a segment starts at frame -1; the video has 3 frames",
    ),
    "segment lists": (
        SEGMENTS,
        sequence(
            segment_start_times=ints(0, 1), segment_labels=ints(1), segment_scores=floats(1, 1)
        ),
        "video 'bad': 'segment_start_times', 'segment_labels' and 'segment_scores' must have one "
        "value a rating; they have 2, 1 and 2",
    ),
}


def read(files, data=FRAMES, **options):
    pipeline = Pipeline(files, data, PipelineOptions(4, **options))
    seen = [video_id for batch in pipeline for video_id in batch["video_ids"].numpy()]
    return seen, pipeline.ledger


def write(path, records):
    write_records(str(path), records)
    return str(path)


@pytest.mark.parametrize("case", BAD)
def test_bad_record_is_named(case, tmp_path):
    data, record, reason = BAD[case]
    other = write(tmp_path / "a", [good(0, data), good(1, data)])
    path = write(tmp_path / "b", [good(2, data), record, good(3, data)])
    message = f"{path}: record 1 (counted from 0): {reason}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read([other, path], data)
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        check_record(record, data)


@pytest.mark.parametrize("case", BAD)
def test_bad_record_is_skipped_and_counted_once(case, tmp_path):
    data, record, reason = BAD[case]
    path = write(tmp_path / "b", [good(2, data), record, good(3, data)])
    seen, ledger = read([path], data, max_bad_records=1, num_epochs=2)
    assert seen == [b"g2", b"g3", b"g2", b"g3"]
    assert ledger.bad == [BadRecord(path, 1, reason)]
    assert ledger.summary() == (
        f"skipped 1 bad record\n  {path}: record 1 (counted from 0): {reason}"
    )


@pytest.mark.parametrize(
    ("data", "record", "message"),
    [
        (
            dataclasses.replace(FRAMES, feature_names=("rgb", "mean_audio")),
            good(0),
            "feature list 'mean_audio' is missing; there are audio, rgb; its name here is audio, "
            "change --feature_names",
        ),
        (
            dataclasses.replace(VIDEOS, feature_names=("rgb", "audio")),
            good(0, VIDEOS),
            "feature 'rgb' is missing; there are id, labels, mean_audio, mean_rgb; its name here "
            "is mean_rgb, change --feature_names",
        ),
        (
            dataclasses.replace(VIDEOS, feature_names=("flow", "audio")),
            good(0, VIDEOS),
            "feature 'flow' is missing; there are id, labels, mean_audio, mean_rgb",
        ),
    ],
)
def test_names_of_the_other_level(data, record, message, tmp_path):
    path = write(tmp_path / "a", [record])
    expected = f"{path}: record 0 (counted from 0): video 'g0': {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        read([path], data)


@pytest.mark.parametrize("num_bad", [1, 3])
def test_nothing_left_after_bad_records_says_why(num_bad, tmp_path):
    bad = frame_record(b"bad", [9], frames())
    paths = [write(tmp_path / f"{number}", [bad]) for number in range(num_bad)]
    message = f"no batch of 4 examples in {num_bad} files"
    with pytest.raises(ValueError, match=message) as raised:
        read(paths, max_bad_records=num_bad)
    skipped = f"skipped {num_bad} bad record{'' if num_bad == 1 else 's'}\n"
    assert skipped in str(raised.value)
    for path in paths:
        assert f"  {path}: record 0 (counted from 0): video 'bad': label 9" in str(raised.value)


ACCEPTED = {
    "no labels": (FRAMES, frame_record(b"v", [], frames())),
    "labels twice": (FRAMES, frame_record(b"v", [3, 3], frames())),
    "no frames": (FRAMES, frame_record(b"v", [3], frames(0))),
    "no id": (FRAMES, tf.train.SequenceExample(
        feature_lists=tf.train.SequenceExample.FromString(good(0)).feature_lists
    ).SerializeToString()),
    "other feature": (FRAMES, frame_record(b"v", [3], frames(depth=9))),
    "wide frames past max_frames": (
        DataConfig(("audio",), (2,), frame_features=True, num_classes=9, max_frames=1),
        frame_values(b"abc"),
    ),
    "feature without values": (FRAMES, sequence(labels=tf.train.Feature())),
    "no segments": (SEGMENTS, frame_record(b"v", [1], frames())),
    "video level": (VIDEOS, good(0, VIDEOS)),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("max_bad_records", [0, 1])
def test_unusual_records_are_read(case, max_bad_records, tmp_path):
    data, record = ACCEPTED[case]
    check_record(record, data)
    files = [write(tmp_path / "a", [record, good(1, data)])]
    seen, ledger = read(files, data, max_bad_records=max_bad_records)
    assert len(seen) == (1 if case == "no segments" else 2)
    assert ledger.summary() is None


UNUSABLE_IDS = {
    "none": (frame_record(b"x", [1], frames(), id_name="name"), "has no id; there are labels, na"),
    "empty": (frame_record(b"", [1], frames()), "it has no id; there are id, labels"),
    "video level": (video_record(b"a b", [1], means()), r"video 'a b': its id has ' ', and could"),
    "a space": (frame_record(b"a b", [1], frames()), r"video 'a b': its id has ' ', and could"),
    "a line break": (frame_record(b"\xff\n", [1], frames()), r"its id has '\\n', and could not be"),
}


@pytest.mark.parametrize("case", UNUSABLE_IDS)
def test_ids_that_cannot_be_used(case, tmp_path):
    record, reason = UNUSABLE_IDS[case]
    data = VIDEOS if case == "video level" else FRAMES
    path = write(tmp_path / "a", [good(0, data), record, good(1, data)])
    options = {"forbidden_in_ids": " \n"}
    with pytest.raises(ValueError, match=rf"a: record 1 \(counted from 0\): .*{reason}"):
        read([path], data, **options)
    seen, ledger = read([path], data, max_bad_records=1, **options)
    assert seen == [b"g0", b"g1"]
    assert re.search(reason, ledger.bad[0].reason)
    seen, _ = read([path], data)
    assert len(seen) == 3


def test_the_other_name_of_the_id_is_read_where_the_first_is_empty(tmp_path):
    record = sequence(id=strings(b""), video_id=strings(b"old"))
    seen, _ = read([write(tmp_path / "a", [record])], forbidden_in_ids="")
    assert seen == [b"old"]


@pytest.mark.parametrize("max_bad_records", [0, 1])
@pytest.mark.parametrize("data", [FRAMES, VIDEOS], ids=["frames", "videos"])
def test_labels_that_are_not_read_are_not_checked(data, max_bad_records, tmp_path):
    features = frames() if data is FRAMES else means()
    kind = frame_record if data is FRAMES else video_record
    records = [kind(b"a", [9, -1], features), kind(b"b", [1], features)]
    if data is FRAMES:
        records.append(sequence(id=strings(b"c"), labels=floats(1.0)))
    options = PipelineOptions(4, with_labels=False, max_bad_records=max_bad_records)
    (batch,) = Pipeline([write(tmp_path / "a", records)], data, options)
    assert batch["video_ids"].numpy().tolist() == [b"a", b"b", b"c"][: len(records)]
    assert "labels" not in batch


def test_sampling_finds_a_wrong_size(tmp_path):
    path = write(tmp_path / "a", [good(0), frame_record(b"bad", [1], frames(rgb=5))])
    with pytest.raises(ValueError, match=r"record 1 .*frame 0 of feature 'rgb' has 5 bytes"):
        read([path], sample_frames=2)


def damage(kind, content):
    """The bytes of a file of three records of one size, damaged in the record 1."""
    size = len(content) // 3
    changed = bytearray(content)
    if kind == "content":
        changed[size + 40] ^= 1
    elif kind == "checksum of content":
        changed[2 * size - 1] ^= 128
    elif kind == "length":
        changed[size] ^= 4
    elif kind == "checksum of length":
        changed[size + 9] ^= 1
    elif kind == "half a record":
        return content[: size + size // 2]
    elif kind == "no checksum at the end":
        return content[: 2 * size - 2]
    return bytes(changed)


LENGTH_LOST = "its length is corrupt, so the rest of the file is lost"
DAMAGES = {
    "content": ("its content does not match its checksum", [b"g0", b"g2"]),
    "checksum of content": ("its content does not match its checksum", [b"g0", b"g2"]),
    "length": (LENGTH_LOST, [b"g0"]),
    "checksum of length": (LENGTH_LOST, [b"g0"]),
    "half a record": ("the file ends within the record: ", [b"g0"]),
    "no checksum at the end": ("the file ends within the record: ", [b"g0"]),
}


@pytest.fixture(params=DAMAGES)
def damaged(request, tmp_path):
    path = Path(write(tmp_path / "damaged", [good(0), good(1), good(2)]))
    path.write_bytes(damage(request.param, path.read_bytes()))
    return str(path), *DAMAGES[request.param]


def test_damage_is_named(damaged, tmp_path):
    path, reason, _ = damaged
    other = write(tmp_path / "other", [good(5)])
    with pytest.raises(ValueError, match=re.escape(f"{path}: record 1 (counted from 0): {reason}")):
        read([path, other])


def test_damage_is_skipped(damaged, tmp_path):
    path, reason, rest = damaged
    other = write(tmp_path / "other", [good(5)])
    seen, ledger = read([path, other], max_bad_records=1, num_epochs=2)
    assert sorted(seen) == sorted([*rest, b"g5"] * 2)
    (bad,) = ledger.bad
    assert (bad.file, bad.record) == (path, 1)
    assert bad.reason.startswith(reason)


def test_a_length_that_looks_like_a_compressed_file(tmp_path):
    path = write(tmp_path / "a", [b"x" * 0x9C78])
    assert Path(path).read_bytes().startswith(b"\x78\x9c")
    assert list(read_records(path)) == [(0, b"x" * 0x9C78)]


def test_file_that_ends_within_a_length(tmp_path):
    """TensorFlow takes such a file for a whole one; only the checked reading tells."""
    path = Path(write(tmp_path / "a", [good(0), good(1)]))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 7])
    assert read([str(path)])[0] == [b"g0"]
    seen, ledger = read([str(path)], max_bad_records=1)
    assert seen == [b"g0"]
    reason = "the file ends within the record, 7 bytes after its start"
    assert ledger.bad == [BadRecord(str(path), 1, reason)]


def test_records_after_several_corrupt_ones(tmp_path):
    path = Path(write(tmp_path / "a", [good(n) for n in range(6)]))
    content = bytearray(path.read_bytes())
    size = len(content) // 6
    for number in (0, 2, 3, 5):
        content[number * size + 30] ^= 1
    path.write_bytes(content)
    found = list(read_records(str(path)))
    assert [number for number, _ in found] == list(range(6))
    corrupt = [number for number, content in found if isinstance(content, BadRecord)]
    assert corrupt == [0, 2, 3, 5]
    assert found[4][1] == good(4)
    seen, ledger = read([str(path)], max_bad_records=4)
    assert seen == [b"g1", b"g4"]
    assert [bad.record for bad in ledger.bad] == corrupt


NOT_TFRECORDS = {
    "empty": (b"", "the file is empty"),
    "csv": (
        b"VideoId,LabelConfidencePairs\nabcd,1 0.5\n",
        "the file is not a TFRecord file; it begins with b'VideoId,Labe'",
    ),
    "gzip": (
        gzip.compress(b"records" * 99),
        "the file is compressed (gzip); records are read uncompressed",
    ),
    "gzip, cut": (
        gzip.compress(b"records" * 99)[:9],
        "the file is compressed (gzip); records are read uncompressed",
    ),
    "zlib": (
        zlib.compress(b"records" * 99),
        "the file is compressed (zlib); records are read uncompressed",
    ),
    "short": (b"abc", "the file ends within the record, 3 bytes after its start"),
}


@pytest.mark.parametrize("case", NOT_TFRECORDS)
def test_file_that_holds_no_records(case, tmp_path):
    content, reason = NOT_TFRECORDS[case]
    path = tmp_path / "shard"
    path.write_bytes(content)
    other = write(tmp_path / "other", [good(0)])
    message = f"{path}: record 0 (counted from 0): {reason}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read([other, str(path)])
    seen, ledger = read([other, str(path)], max_bad_records=1)
    assert seen == [b"g0"]
    assert ledger.bad == [BadRecord(str(path), 0, reason)]


@pytest.mark.parametrize("max_bad_records", [0, 9])
def test_file_that_vanished(max_bad_records, tmp_path):
    paths = [write(tmp_path / "here", [good(0)]), str(tmp_path / "gone")]
    with pytest.raises(ValueError, match=f"{re.escape(paths[1])}: cannot be read: .*No such file"):
        read(paths, max_bad_records=max_bad_records)


def test_one_bad_record_too_many(tmp_path):
    bad = frame_record(b"bad", [9], frames())
    path = write(tmp_path / "a", [good(0), bad, bad, bad])
    _, ledger = read([path], max_bad_records=3)
    assert len(ledger.bad) == 3
    message = f"more than --max_bad_records=2 bad records: {path}: record 3 (counted from 0): video"
    with pytest.raises(ValueError, match=re.escape(message)):
        read([path], max_bad_records=2)


def test_bad_records_of_a_distributed_dataset(tmp_path):
    path = write(tmp_path / "a", [good(0), frame_record(b"bad", [9], frames())])
    pipeline = Pipeline([path], FRAMES, PipelineOptions(1))
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with pytest.raises(ValueError, match=r"record 1 .* label 9"), pipeline.translated_errors():
        list(strategy.experimental_distribute_dataset(pipeline.dataset))


def test_errors_that_no_record_caused_pass_through(tmp_path):
    pipeline = Pipeline([write(tmp_path / "a", [good(0)])], FRAMES, PipelineOptions(1))
    error = tf.errors.InvalidArgumentError(None, None, "of the model")
    list(pipeline.dataset)
    with pytest.raises(tf.errors.InvalidArgumentError), pipeline.translated_errors():
        raise error


def test_message_that_is_no_text_names_a_file(tmp_path):
    path = write(tmp_path / "a", [good(0)])
    pipeline = Pipeline([path], FRAMES, PipelineOptions(1))
    message = f"a record of 1 files ({path}, …) cannot be parsed"
    with pytest.raises(ValueError, match=re.escape(message)), pipeline.translated_errors():
        raise UnicodeDecodeError("utf-8", b"\x81", 0, 1, "invalid start byte")


def test_masked_crc32c():
    # RFC 3720, B.4: the CRC-32C of 32 zero bytes is 0x8A9136AA. Rotated right by 15 bits it is
    # 0x8A9136AA >> 15 | (0x36AA & 0x7FFF) << 17 = 0x00011522 | 0x6D540000 = 0x6D551522, and
    # 0x6D551522 + 0xA282EAD8 = 0x10FD7FFFA, modulo 2**32 0x0FD7FFFA.
    assert masked_crc32c(bytes(32)) == 0x0FD7FFFA


def test_masked_crc32c_is_that_of_the_files(tmp_path):
    content = Path(write(tmp_path / "a", [b"x" * 300])).read_bytes()
    length, checksum = struct.unpack("<QI", content[:12])
    assert length == 300
    assert checksum == masked_crc32c(content[:8])


def test_summary_lists_the_first_few():
    ledger = Ledger(max_bad_records=10)
    for number in range(7):
        ledger.add_bad(BadRecord("f", number, "why"))
        ledger.add_bad(BadRecord("f", number, "why"))
    ledger.add_empty(3, 20)
    ledger.add_empty(3, 20)
    lines = ledger.summary().splitlines()
    assert lines[0] == "skipped 7 bad records and left out 1 video without frames"
    assert lines[1] == "  f: record 0 (counted from 0): why"
    assert lines[-1] == "  … and 2 more"
    assert len(lines) == 7
    assert Ledger().summary() is None
