"""The conversion of records: values and bytes, round trips, errors, and going on."""

import json

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.parsing import parse
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.record_checks import check_record
from yt8m_models.data.record_reader import read_records
from yt8m_models.data.records import frame_list, frame_record, video_record, write_records
from yt8m_models.extraction.convert_records import converting
from yt8m_models.extraction.convert_records.__main__ import PROGRAM, main
from yt8m_models.extraction.convert_records.config import ConvertConfig
from yt8m_models.extraction.convert_records.converting import convert_records
from yt8m_models.extraction.quantization import quantize
from yt8m_models.program.command import UsageError

RNG = np.random.default_rng(0)
RGB, AUDIO = "RGB/feature/floats", "AUDIO/feature/floats"


def feature(values):
    """A context feature of bytes, integers or floats."""
    example = tf.train.Feature()
    if isinstance(values[0], bytes):
        example.bytes_list.value.extend(values)
    elif isinstance(values[0], int):
        example.int64_list.value.extend(values)
    else:
        example.float_list.value.extend(values)
    return example


def media_sequence(context, **lists):
    """As MediaPipe writes it: a float list a frame, and what else its records have."""
    example = tf.train.SequenceExample()
    context = {"clip/start/timestamp": [0], "clip/end/timestamp": [2_000_000], **context}
    for name, values in context.items():
        example.context.feature[name].CopyFrom(feature(values))
    for prefix, frames in lists.items():
        for number, frame in enumerate(frames):
            for name, values in (
                ("floats", [float(value) for value in frame]),
                ("timestamp", [number * 1_000_000]),
            ):
                key = f"{prefix}/feature/{name}"
                example.feature_lists.feature_list[key].feature.append(feature(values))
    return example.SerializeToString()


def floats(frames, size=4, scale=1.0):
    return (RNG.normal(size=(frames, size)) * scale).astype(np.float32)


def records_in(path):
    return [content for _, content in read_records(str(path))]


@pytest.fixture
def convert(tmp_path):
    """Writes records to files, converts them and gives the converted ones, by file."""

    def convert(records, **options):
        files = records if isinstance(records, dict) else {"x.tfrecord": records}
        source, target = tmp_path / "source", tmp_path / options.pop("to_dir", "target")
        source.mkdir(exist_ok=True)
        for name, contents in files.items():
            write_records(source / name, contents)
        config = ConvertConfig(f"{source}/*", str(target), **options)
        convert.summary = convert_records(config)
        converted = {path.name: records_in(path) for path in sorted(target.glob("*.tfrecord"))}
        return converted if isinstance(records, dict) else converted["x.tfrecord"]

    return convert


def test_media_sequences_become_frame_level_records_byte_for_byte(convert):
    rgb, audio = floats(3), floats(3, 2)
    rgb[0, 0], audio[2, 1] = 2.5, -9
    record = media_sequence(
        {"clip/media_id": [b"abcd"], "clip/label/index": [7, 3], "clip/data_path": [b"/x/y.mp4"]},
        RGB=rgb,
        AUDIO=audio,
    )
    (converted,) = convert([record])
    quantised = {"rgb": quantize(rgb), "audio": quantize(audio)}
    assert quantised["rgb"][0, 0] == 255
    assert quantised["audio"][2, 1] == 0
    assert converted == frame_record(b"abcd", [7, 3], quantised)
    assert convert.summary.from_format == "mediapipe"
    assert convert.summary.features == {RGB: "rgb", AUDIO: "audio"}
    beyond = sum(int((np.abs(each) > 2).sum()) for each in (rgb, audio))
    assert convert.summary.clipped_share == beyond / 18


def test_the_reader_gets_what_was_put_in(convert):
    rgb, audio = floats(3), floats(3, 2)
    context = {"clip/media_id": [b"abcd"], "clip/label/index": [7, 3]}
    (converted,) = convert([media_sequence(context, RGB=rgb, AUDIO=audio)])
    data = DataConfig(("rgb", "audio"), (4, 2), frame_features=True, num_classes=9)
    check_record(converted, data)
    batch = parse(tf.constant([converted]), data)
    assert batch["video_ids"].numpy().tolist() == [b"abcd"]
    assert np.flatnonzero(batch["labels"][0]).tolist() == [3, 7]
    assert batch["num_frames"].numpy().tolist() == [3]
    received = dequantize(batch["video_matrix"].numpy())[0, :3]
    clipped = np.clip(np.concatenate([rgb, audio], axis=1), -2, 2)
    assert ((received - clipped > -1e-4) & (received - clipped < 4 / 255)).all()


@pytest.mark.parametrize(
    ("context", "options", "video_id", "labels"),
    [
        ({"clip/data_path": [b"/videos/a.b/cat.1.mp4"]}, {}, b"cat.1", []),
        ({"example/id": [b"e"], "clip/data_path": [b"/y.mp4"], "labels": [1]}, {}, b"e", [1]),
        ({"id": [b"i"], "video_id": [b"v"], "example/label": [2]}, {}, b"i", [2]),
        ({"video_id": [b"v"], "example/label": [2], "clip/label/index": [5]}, {}, b"v", [5]),
        (
            {"clip/media_id": [b"m"], "name": [b"n"], "labels": [1], "classes": [4, 2]},
            {"id_key": "name", "label_key": "classes"},
            b"n",
            [4, 2],
        ),
    ],
)
def test_ids_and_labels_are_taken_where_they_are(convert, context, options, video_id, labels):
    frames = floats(2)
    (converted,) = convert([media_sequence(context, RGB=frames)], **options)
    assert converted == frame_record(video_id, labels, {"rgb": quantize(frames)})
    assert convert.summary.num_unlabelled == (not labels)


def test_frame_records_survive_the_way_to_mediapipe_and_back(convert, tmp_path):
    every = np.arange(256, dtype=np.uint8).reshape(2, 128)
    records = [
        frame_record(b"abcd", [1, 2], {"rgb": every, "audio": every[:, :8]}),
        frame_record(b"efgh", [], {"rgb": every[:0], "audio": every[:0, :8]}),
    ]
    sequences = convert(records, to_format="mediapipe")
    assert convert.summary.num_empty == 1
    example = tf.train.SequenceExample.FromString(sequences[0])
    assert dict(example.context.feature) == {
        "clip/media_id": feature([b"abcd"]),
        "clip/label/index": feature([1, 2]),
    }
    lists = example.feature_lists.feature_list
    assert set(lists) == {
        f"{p}/feature/{n}" for p in ("RGB", "AUDIO") for n in ("floats", "timestamp")
    }
    received = np.array([frame.float_list.value for frame in lists[RGB].feature], np.float32)
    np.testing.assert_array_equal(received, dequantize(every))
    times = [list(frame.int64_list.value) for frame in lists["AUDIO/feature/timestamp"].feature]
    assert times == [[0], [1_000_000]]
    back = ConvertConfig(f"{tmp_path}/target/*.tfrecord", str(tmp_path / "back"))
    assert convert_records(back).from_format == "mediapipe"
    assert records_in(tmp_path / "back" / "x.tfrecord") == records


def test_records_of_2017_become_those_of_2018(convert):
    frames = {"rgb": np.arange(8, dtype=np.uint8).reshape(2, 4)}
    segments = [(0, 5, 3, 1.0), (5, 10, 4, 0.0)]
    old = frame_record(b"abcdefghijk", [3], frames, segments, id_name="video_id")
    assert convert([old]) == [frame_record(b"abcdefghijk", [3], frames, segments)]
    assert convert.summary.from_format == "yt8m"


def test_videos_of_2017_become_those_of_2018(convert):
    means = {"mean_rgb": floats(1)[0], "mean_audio": floats(1, 2)[0]}
    old = video_record(b"abcdefghijk", [3, 9], means, id_name="video_id")
    (converted,) = convert([old])
    assert converted == video_record(b"abcdefghijk", [3, 9], means)
    data = DataConfig(tuple(means), (4, 2), num_classes=10)
    received = parse(tf.constant([converted]), data)["video_matrix"].numpy()
    np.testing.assert_array_equal(received[0], np.concatenate(list(means.values())))


def test_audioset_keeps_where_its_clip_begins(convert):
    frames = np.arange(20, dtype=np.uint8).reshape(10, 2)
    example = tf.train.SequenceExample.FromString(
        frame_record(b"--PJHxphWEs", [0, 451], {"audio_embedding": frames}, id_name="video_id")
    )
    example.context.feature["start_time_seconds"].CopyFrom(feature([30.0]))
    expected = tf.train.SequenceExample.FromString(
        frame_record(b"--PJHxphWEs", [0, 451], {"audio": frames})
    )
    expected.context.feature["start_time_seconds"].CopyFrom(feature([30.0]))
    (converted,) = convert([example.SerializeToString()])
    assert tf.train.SequenceExample.FromString(converted) == expected
    assert convert.summary.from_format == "audioset"
    (sequence,) = convert([example.SerializeToString()], to_format="mediapipe", to_dir="media")
    lists = tf.train.SequenceExample.FromString(sequence).feature_lists.feature_list
    assert lists["AUDIO/feature/timestamp"].feature[3].int64_list.value[:] == [2_880_000]


def test_the_records_of_audioset_are_those_that_were_there(shared, tmp_path):
    path = shared / "data" / "audioset" / "bal_train0.tfrecord"
    head = [content for _, content in zip(range(500), records_in(path), strict=False)]
    write_records(tmp_path / "a.tfrecord", head)
    convert_records(ConvertConfig(f"{tmp_path}/a.tfrecord", str(tmp_path / "out")))
    converted = records_in(tmp_path / "out" / "a.tfrecord")
    assert len(converted) == 500
    context = {"video_id": tf.io.FixedLenFeature([], tf.string)}
    data = DataConfig(("audio",), (128,), frame_features=True, num_classes=527)
    received = parse(tf.constant(converted), data)
    renamed = parse(
        tf.constant(head),
        DataConfig(("audio_embedding",), (128,), frame_features=True, num_classes=527),
    )
    assert received.keys() == renamed.keys()
    for name, values in renamed.items():
        np.testing.assert_array_equal(received[name].numpy(), values.numpy(), err_msg=name)
    ids = tf.io.parse_sequence_example(tf.constant(head), context)[0]["video_id"]
    assert received["video_ids"].numpy().tolist() == ids.numpy().tolist()


@pytest.mark.parametrize("to_format", ["yt8m", "mediapipe"])
def test_unequal_frames(convert, to_format):
    rgb = np.full((3, 4), 200, np.uint8)
    audio = np.full((2, 2), 50, np.uint8)
    record = [frame_record(b"abcd", [1], {"rgb": rgb, "audio": audio})]
    zero = np.full((1, 2), 127, np.uint8)  # dequantises to 0, as near as a byte can
    assert abs(dequantize(zero)).max() < 1e-4
    expected = {
        "trim": {"rgb": rgb[:2], "audio": audio},
        "pad": {"rgb": rgb, "audio": np.concatenate([audio, zero])},
    }
    for rule, frames in expected.items():
        (converted,) = convert(record, to_format=to_format, unequal_frames=rule, to_dir=rule)
        assert convert.summary.num_unequal == 1
        if to_format == "yt8m":
            assert converted == frame_record(b"abcd", [1], frames)
        else:
            lists = tf.train.SequenceExample.FromString(converted).feature_lists.feature_list
            received = [list(each.float_list.value) for each in lists[AUDIO].feature]
            np.testing.assert_allclose(received, dequantize(frames["audio"]), atol=1e-4)
            assert len(lists[RGB].feature) == len(received)
            assert received[2:] == [[0.0, 0.0]] * (rule == "pad")
    with pytest.raises(ValueError, match=r"record 0 .*'abcd'.*\{'audio': 2, 'rgb': 3\}"):
        convert(record, to_format=to_format, unequal_frames="error", to_dir="error")


def test_a_silent_video_is_padded_like_the_others(convert):
    sizes = [(3, 3), (2, 0)]
    frames = [(floats(rgb), floats(audio, 2)) for rgb, audio in sizes]
    records = [
        media_sequence({"clip/media_id": [b"v%d" % number]}, RGB=rgb, AUDIO=audio)
        for number, (rgb, audio) in enumerate(frames)
    ]
    silent = tf.train.SequenceExample.FromString(records[1])
    silent.feature_lists.feature_list[AUDIO].SetInParent()
    converted = convert([records[0], silent.SerializeToString()], unequal_frames="pad")
    zeros = np.full((2, 2), 127, np.uint8)
    assert converted[1] == frame_record(b"v1", [], {"rgb": quantize(frames[1][0]), "audio": zeros})


def test_a_pca_reduces_the_floats(convert, tmp_path):
    vectors, means = RNG.normal(size=(2, 4)), RNG.normal(size=4)
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=vectors, pca_means=means)
    frames, context = floats(3), {"clip/media_id": [b"abcd"]}
    record = media_sequence(context, RGB=frames)
    (converted,) = convert([record], rgb_pca=str(tmp_path / "pca.npz"))
    reduced = ((frames - means) @ vectors.T).astype(np.float32)
    assert converted == frame_record(b"abcd", [], {"rgb": quantize(reduced)})
    unquantised = tf.train.SequenceExample.FromString(frame_record(b"abcd", [], {}))
    unquantised.feature_lists.feature_list["rgb"].CopyFrom(frame_list(frames))
    ours = [unquantised.SerializeToString()]
    assert convert(ours, rgb_pca=str(tmp_path / "pca.npz"), to_dir="ours") == [converted]
    with pytest.raises(ValueError, match="--audio_pca: no feature is called audio; there are rgb"):
        convert([record], audio_pca=str(tmp_path / "pca.npz"), to_dir="other")
    quantised = frame_record(b"abcd", [], {"rgb": quantize(frames)})
    with pytest.raises(ValueError, match="--rgb_pca takes floats, and 'rgb' has bytes"):
        convert([quantised], rgb_pca=str(tmp_path / "pca.npz"), to_dir="bytes")


def test_feature_keys_name_other_lists(convert):
    frames = floats(2)
    record = media_sequence({"clip/media_id": [b"abcd"]}, RGB=floats(2), FLOW=frames)
    keys = {"feature_keys": ("FLOW/feature/floats",), "feature_names": ("flow",)}
    assert convert([record], **keys) == [frame_record(b"abcd", [], {"flow": quantize(frames)})]


GOOD = {"clip/media_id": [b"abcd"]}
NAN = np.array([[0, 1], [np.nan, 0]], np.float32)


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (
            media_sequence(GOOD),
            "'abcd': feature list 'RGB/feature/floats' is missing; there are none",
        ),
        (
            media_sequence(GOOD, RGB=floats(2), AUDIO=floats(2)),
            "'AUDIO/feature/floats', which the first record lacks; --feature_keys",
        ),
        (media_sequence({"clip/x": [b"y"]}, RGB=floats(2)), "no id .*there is clip/end/timestamp"),
        (media_sequence(GOOD, RGB=NAN), r"'RGB/feature/floats' must be finite; .*\[1, 0\].* nan"),
        (media_sequence(GOOD, RGB=floats(2, 3)), "have 3 values, and in records before 4"),
        (media_sequence(GOOD, RGB=[[1, 2], [1]]), "frame 1 of 'RGB/feature/floats' has 1 values"),
        (media_sequence({**GOOD, "labels": [b"cat"]}, RGB=floats(2)), "'labels' is not"),
        (b"\xff\xff", "neither an Example nor a SequenceExample"),
    ],
    ids=lambda value: value if isinstance(value, str) else "record",
)
def test_bad_records_are_named_or_left_out(convert, record, error):
    good = media_sequence(GOOD, RGB=floats(2))
    with pytest.raises(ValueError, match=rf"x\.tfrecord: record 1 \(counted from 0\): .*{error}"):
        convert([good, record, good])
    converted = convert([good, record, good], max_bad_records=1)
    assert len(converted) == 2
    assert convert.summary.num_videos == 2
    assert "skipped 1 bad record" in convert.summary.problems


@pytest.mark.parametrize(
    ("record", "options", "error"),
    [
        (
            media_sequence(GOOD, RGB=floats(2)),
            {"from_format": "audioset"},
            "no feature list to conv",
        ),
        (media_sequence(GOOD, RGB=floats(2)), {"to_format": "mediapipe"}, "are that already"),
        (media_sequence({"x": [1]}, FLOW=floats(2)), {}, "like no known format; .*FLOW/feature/fl"),
        (
            video_record(b"abcd", [], {"mean_rgb": floats(1)[0]}),
            {"to_format": "mediapipe"},
            "to conv",
        ),
        (b"\xff\xff", {}, "more than --max_bad_records=0 bad records: .*record 0"),
    ],
)
def test_what_cannot_be_converted_is_refused(convert, record, options, error):
    with pytest.raises(ValueError, match=rf"x\.tfrecord: .*{error}|{error}"):
        convert([record], **options)


def test_a_pb_of_mediapipe_is_a_record(tmp_path):
    frames = floats(3)
    (tmp_path / "a.pb").write_bytes(media_sequence({"clip/data_path": [b"/a.mp4"]}, RGB=frames))
    (tmp_path / "b.pb").write_bytes(b"\xff")
    config = ConvertConfig(f"{tmp_path}/*.pb", str(tmp_path / "out"), max_bad_records=1)
    summary = convert_records(config)
    expected = frame_record(b"a", [], {"rgb": quantize(frames)})
    assert records_in(tmp_path / "out" / "a.tfrecord") == [expected]
    assert not (tmp_path / "out" / "b.tfrecord").exists()
    assert summary.num_videos == 1
    assert "b.pb: record 0 (counted from 0): neither an Example" in summary.problems
    (tmp_path / "a.tfrecord").touch()
    both = ConvertConfig(f"{tmp_path}/a.pb,{tmp_path}/a.tfrecord", str(tmp_path / "other"))
    with pytest.raises(ValueError, match="would have one name in the output"):
        convert_records(both)


def test_an_interrupted_run_goes_on_with_the_files_that_are_left(convert, tmp_path, monkeypatch):
    files = {
        f"{name}.tfrecord": [media_sequence({"clip/media_id": [name.encode()]}, RGB=floats(2))]
        for name in "abc"
    }
    expected = convert(files, to_dir="whole")
    written = []

    def interrupted(path, records):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(path)
        write_records(path, records)

    with monkeypatch.context() as patch:
        patch.setattr(converting, "write_records", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(files)
    assert [path.name for path in (tmp_path / "target").glob("*.tfrecord")] == ["a.tfrecord"]
    first = (tmp_path / "target" / "a.tfrecord").stat().st_mtime_ns
    assert convert(files) == expected
    assert (tmp_path / "target" / "a.tfrecord").stat().st_mtime_ns == first
    assert convert.summary.num_videos == 3
    with pytest.raises(ValueError, match="with unequal_frames trim, not pad"):
        convert(files, unequal_frames="pad")


def test_the_program(tmp_path, capsys):
    frames = floats(2)
    frames[0] = 3
    records = [media_sequence({"clip/media_id": [b"abcd"]}, RGB=frames)]
    write_records(tmp_path / "x.tfrecord", records)
    argv = [f"--input_data_pattern={tmp_path}/x.tfrecord", f"--output_dir={tmp_path}/out"]
    main(PROGRAM.parse([*argv, "--from=mediapipe", "--to=yt8m"]))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == (
        f"1 videos in 1 files in {tmp_path}/out, from mediapipe to yt8m: RGB/feature/floats as rgb"
    )
    assert printed[1] == "1 without labels"
    share = float((np.abs(frames) > 2).mean())
    assert printed[2] == f"{share:.2%} of the values were beyond -2 to 2 and clipped"
    record = json.loads((tmp_path / "out" / "conversion.json").read_text())
    assert record["files"]["x.tfrecord"]["values"] == 8
    with pytest.raises(UsageError, match="--feature_keys and --feature_names must have equally"):
        PROGRAM.parse([*argv, "--feature_keys=a"])
