"""The inference program end to end, on small records and models with fresh weights."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.models import create_model
from yt8m_models.prediction import inference
from yt8m_models.prediction.__main__ import PROGRAM, main
from yt8m_models.prediction.submission_reader import read_submission
from yt8m_models.program.command import UsageError
from yt8m_models.training.checkpoints import Checkpoints, restore_model
from yt8m_models.training.train_dir import record_model_flags

ROOT = Path(__file__).resolve().parents[2]
NUM_CLASSES = 11
FRAMES = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=NUM_CLASSES)
VIDEOS = DataConfig(("mean_rgb",), (6,), num_classes=NUM_CLASSES)
COUNTS = [7, 1, 12, 0, 30, 5, 3, 22, 9]


def save_model(directory, model, data, step, seed, best=False):
    """A training directory with one checkpoint of fresh weights."""
    keras.utils.set_random_seed(seed)
    created = create_model(model, data)
    record_model_flags(str(directory), model, data, "CrossEntropyLoss")
    target = directory / "best" if best else directory
    step_variable = tf.Variable(step, dtype=tf.int64)
    Checkpoints(str(target), keep=5, model=created, step=step_variable).save(step)


@pytest.fixture(scope="session")
def frame_videos():
    """Quantised rgb and audio frames of videos of many lengths, one without frames."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (count, 8), np.uint8) for count in COUNTS]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory, frame_videos):
    """Records of nine videos in two shards, and a frame-level model."""
    directory = tmp_path_factory.mktemp("inference")
    records = [
        frame_record(b"v%d" % n, [n], {"rgb": frames[:, :6], "audio": frames[:, 6:]})
        for n, frames in enumerate(frame_videos)
    ]
    write_records(directory / "test0.tfrecord", records[:5])
    write_records(directory / "test1.tfrecord", records[5:])
    model = ModelConfig("NetVLADModelLF", num_clusters=4, hidden_size=5)
    save_model(directory / "model", model, FRAMES, step=3, seed=0)
    return directory


def infer(workplace, output, *flags, model=None):
    """Runs the program and returns the lines that it wrote."""
    source = [f"--train_dir={workplace / 'model'}"] if model is None else model
    pattern = f"--input_data_pattern={workplace}/test*.tfrecord"
    main(PROGRAM.parse([*source, pattern, f"--output_file={output}", *flags]))
    return output.read_text().splitlines()


def predict(workplace, videos, sizes=None):
    """Predictions one by one, of dequantised frames that are padded by themselves."""
    model = restore_model(str(workplace / "model")).model
    rows = []
    for frames in videos:
        values = np.zeros((1, max(len(frames), 1), 8), np.float32)
        values[0, : len(frames)] = dequantize(frames)
        inputs = {"video_matrix": values, "num_frames": np.array([len(frames)], np.int32)}
        rows.append(model(inputs, training=False).numpy()[0])
    return np.stack(rows)


def parse(line):
    video, pairs = line.split(",")
    fields = pairs.split(" ")
    return video, [int(c) for c in fields[::2]], [float(score) for score in fields[1::2]]


@pytest.mark.parametrize("flags", [(), ("--batch_size=2",), ("--jit_compile",)])
def test_every_video_has_its_best_classes(workplace, frame_videos, tmp_path, flags, capsys):
    header, *lines = infer(workplace, tmp_path / "new" / "out.csv", "--top_k=4", *flags)
    assert header == "VideoId,LabelConfidencePairs"
    parsed = {video: (classes, scores) for video, classes, scores in map(parse, lines)}
    assert sorted(parsed) == [f"v{n}" for n in range(len(COUNTS))]
    for n, predictions in enumerate(predict(workplace, frame_videos)):
        classes, scores = parsed[f"v{n}"]
        best = np.sort(predictions)[::-1][:4]
        np.testing.assert_allclose(scores, best, rtol=2e-4)
        np.testing.assert_allclose(predictions[classes], best, rtol=2e-4)
    assert f"{len(COUNTS)} videos predicted with" in capsys.readouterr().out


def test_the_order_is_deterministic(workplace, tmp_path):
    runs = [infer(workplace, tmp_path / f"{n}.csv", "--num_readers=8") for n in range(3)]
    assert runs[0] == runs[1] == runs[2]


def test_sampled_frames_come_from_the_seed(workplace, tmp_path):
    flags = [("--sample_frames=3", f"--seed={seed}") for seed in (1, 1, 2)]
    runs = [infer(workplace, tmp_path / f"{n}.csv", *pair) for n, pair in enumerate(flags)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_segments(workplace, frame_videos, tmp_path):
    ids = tmp_path / "ids.csv"
    ids.write_text("Index\n2\n5\n9\n")
    header, *lines = infer(
        workplace,
        tmp_path / "out.csv",
        "--segment_labels",
        f"--segment_label_ids_file={ids}",
        "--segment_max_pred=6",
        "--top_k=2",
    )
    names, segments = [], []
    for n, frames in enumerate(frame_videos):
        for start in range(0, len(frames), 5):
            names.append(f"v{n}:{start}")
            segments.append(frames[start : start + 5])
    predictions = predict(workplace, segments)
    # Of the three rated classes each segment offers its best two; each class takes its best six.
    offered = {2: [], 5: [], 9: []}
    for name, row in zip(names, predictions, strict=True):
        for label in sorted(offered, key=lambda label: -row[label])[:2]:
            offered[label].append((row[label], name))
    assert header == "Class,Segments"
    expected = {
        str(label): " ".join(name for _, name in sorted(entries, reverse=True)[:6])
        for label, entries in offered.items()
        if entries
    }
    assert dict(line.split(",") for line in lines) == expected


@pytest.mark.parametrize("flags", [(), ("--segment_label_ids_file=all",)])
def test_segments_of_all_classes(workplace, tmp_path, flags, caplog):
    """The model has other classes than YouTube-8M, and so the rated ones say nothing of them."""
    _, *lines = infer(workplace, tmp_path / "out.csv", "--segment_labels", *flags)
    assert [record.levelname for record in caplog.records] == ([] if flags else ["WARNING"])
    assert [int(line.split(",")[0]) for line in lines] == list(range(NUM_CLASSES))
    total = sum(-(-count // 5) for count in COUNTS)
    assert {len(line.split(",")[1].split(" ")) for line in lines} == {total}


def test_a_packed_model_gives_the_same_file(workplace, tmp_path):
    tgz = tmp_path / "model.tgz"
    first = infer(workplace, tmp_path / "a.csv", f"--output_model_tgz={tgz}")
    source = [f"--input_model_tgz={tgz}", f"--untar_model_dir={tmp_path / 'unpacked'}"]
    assert infer(workplace, tmp_path / "b.csv", model=source) == first


def test_the_best_checkpoint_is_the_default(tmp_path, capsys):
    rng = np.random.default_rng(0)
    records = [video_record(b"a", [0], {"mean_rgb": rng.normal(size=6)})]
    write_records(tmp_path / "test0.tfrecord", records)
    model = ModelConfig("LogisticModel")
    save_model(tmp_path / "model", model, VIDEOS, step=2, seed=2)
    only_latest = infer(tmp_path, tmp_path / "1.csv")
    save_model(tmp_path / "model", model, VIDEOS, step=1, seed=1, best=True)
    default = infer(tmp_path, tmp_path / "2.csv")
    latest, best = (tmp_path / "model" / name for name in ("model.ckpt-2", "best/model.ckpt-1"))
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Model: ")]
    assert said == [
        f"Model: LogisticModel of step 2, {latest}",
        f"Model: LogisticModel of step 1, the best by validation loss: {best}",
    ]
    assert infer(tmp_path, tmp_path / "3.csv", "--checkpoint=best") == default
    assert infer(tmp_path, tmp_path / "4.csv", "--checkpoint=latest") == only_latest
    assert infer(tmp_path, tmp_path / "5.csv", f"--checkpoint={best}") == default
    assert default != only_latest


def test_an_error_leaves_no_file_and_keeps_the_one_before(workplace, tmp_path):
    (tmp_path / "data").mkdir()
    content = (workplace / "test0.tfrecord").read_bytes()
    (tmp_path / "data" / "bad.tfrecord").write_bytes(content[:-9])
    output = tmp_path / "out.csv"
    output.write_text("before")
    pattern = f"--input_data_pattern={tmp_path}/data/bad.tfrecord"
    arguments = [f"--train_dir={workplace / 'model'}", pattern, f"--output_file={output}"]
    with pytest.raises(ValueError, match=r"bad\.tfrecord.*record 4"):
        main(PROGRAM.parse(arguments))
    assert output.read_text() == "before"
    main(PROGRAM.parse([*arguments, "--max_bad_records=1"]))
    assert len(output.read_text().splitlines()) == 5
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data", "out.csv"]


def test_features_that_say_nothing_are_named(workplace, tmp_path, warned):
    """Labels are not missed: nobody knows those of test records."""
    infer(workplace, tmp_path / "out.csv")
    assert warned() == []
    rng, audio = np.random.default_rng(0), np.full((4, 2), 9, np.uint8)
    records = [
        frame_record(
            b"v%d" % n, [], {"rgb": rng.integers(0, 256, (4, 6), np.uint8), "audio": audio}
        )
        for n in range(3)
    ]
    write_records(tmp_path / "test.tfrecord", records)
    infer(tmp_path, tmp_path / "out.csv", model=model_flag(workplace))
    (message,) = warned()
    assert message.startswith("the feature audio is the same throughout the 3 videos that were re")


def test_skipped_records_are_reported(workplace, tmp_path, capsys):
    content = (workplace / "test1.tfrecord").read_bytes()
    (tmp_path / "test.tfrecord").write_bytes(content[:-9])
    infer(tmp_path, tmp_path / "out.csv", "--max_bad_records=3", model=model_flag(workplace))
    assert "skipped 1 bad record" in capsys.readouterr().err


@pytest.mark.parametrize(("flags", "count"), [((), 9), (("--unequal_frames=pad",), 12)])
def test_features_of_unequal_lengths(workplace, frame_videos, tmp_path, flags, count, capsys):
    video = frame_videos[2]
    record = frame_record(b"v", [1], {"rgb": video[:, :6], "audio": video[:9, 6:]})
    write_records(tmp_path / "test.tfrecord", [record])
    _, line = infer(tmp_path, tmp_path / "out.csv", *flags, model=model_flag(workplace))
    expected = video[:count].copy()
    expected[9:, 6:] = 127  # 0, nearly
    (predictions,) = predict(workplace, [expected])
    _, classes, scores = parse(line)
    np.testing.assert_allclose(scores, predictions[classes], rtol=2e-4)
    assert "1 video with features that differ by up to 3 frames" in capsys.readouterr().err
    with pytest.raises(
        ValueError, match=r"test\.tfrecord: record 0 .*--unequal_frames=trim, the d"
    ):
        infer(tmp_path, tmp_path / "2.csv", "--unequal_frames=error", model=model_flag(workplace))


def model_flag(workplace):
    return [f"--train_dir={workplace / 'model'}"]


def frames_of(count=3):
    values = np.random.default_rng(count).integers(0, 256, (count, 8), np.uint8)
    return {"rgb": values[:, :6], "audio": values[:, 6:]}


def infer_records(workplace, tmp_path, records, *flags):
    """The lines for these records, in a directory of their own."""
    (tmp_path / "data").mkdir(exist_ok=True)
    write_records(tmp_path / "data" / "test.tfrecord", records)
    flags = ("--top_k=2", *flags)
    return infer(tmp_path / "data", tmp_path / "out.csv", *flags, model=model_flag(workplace))


def test_records_without_an_id_are_named(workplace, tmp_path):
    records = [frame_record(b"a", [1], frames_of()), frame_record(b"", [1], frames_of())]
    with pytest.raises(
        ValueError, match=r"test\.tfrecord: record 1 .* it has no id; there are id, l"
    ):
        infer_records(workplace, tmp_path, records)
    assert not (tmp_path / "out.csv").exists()
    _, *lines = infer_records(workplace, tmp_path, records, "--max_bad_records=1")
    assert [line.split(",")[0] for line in lines] == ["a"]


def test_ids_that_need_quotes_are_read_back(workplace, tmp_path):
    ids = [b"/v/clip 1, take 2.mp4", b'the "best" one', b" spaces ", b"plain one", "é,".encode()]
    records = [frame_record(video_id, [1], frames_of()) for video_id in ids]
    infer_records(workplace, tmp_path, records)
    (block,) = read_submission(str(tmp_path / "out.csv"))
    assert block.video_ids == ids
    assert block.counts.tolist() == [2] * len(ids)
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [row[0].encode() for row in rows[1:]] == ids
    assert {len(row) for row in rows} == {2}


@pytest.mark.parametrize(
    ("video_id", "flags", "shown"),
    [
        (b"two\nlines", (), r"'\\n'"),
        (b"two\rlines", (), r"'\\r'"),
        (b"a space", ("--segment_labels",), "' '"),
        (b"a,comma", ("--segment_labels",), "','"),
    ],
)
def test_ids_that_break_the_file_are_named(workplace, tmp_path, video_id, flags, shown):
    records = [frame_record(b"a", [1], frames_of()), frame_record(video_id, [1], frames_of())]
    with pytest.raises(ValueError, match=rf"test\.tfrecord: record 1 .*its id has {shown}, and"):
        infer_records(workplace, tmp_path, records, *flags)
    assert not (tmp_path / "out.csv").exists()


def test_ids_that_come_again_are_reported(workplace, tmp_path, capsys):
    ids = [b"a", b"b", b"a", b"c", b"b", b"a"]
    records = [frame_record(video_id, [1], frames_of()) for video_id in ids]
    assert len(infer_records(workplace, tmp_path, records)) == 7
    assert "2 ids came more than once, such as 'a'; Kaggle" in capsys.readouterr().err
    infer_records(workplace, tmp_path, records[:2])
    assert capsys.readouterr().err.splitlines()[-1].startswith("inference 2 videos")


def test_labels_of_another_vocabulary_do_not_matter(workplace, tmp_path):
    records = [frame_record(b"a", [419], frames_of()), frame_record(b"b", [-3], frames_of())]
    assert len(infer_records(workplace, tmp_path, records)) == 3


def test_records_of_another_level_are_named(workplace, tmp_path):
    videos = [video_record(b"a", [0], {"mean_rgb": np.ones(6)})]
    with pytest.raises(ValueError, match=r"record 0 .*'a': .*looks like a video-level record, whi"):
        infer_records(workplace, tmp_path, videos)
    save_model(tmp_path / "model", ModelConfig("LogisticModel"), VIDEOS, step=1, seed=1)
    frames = [frame_record(b"a", [0], frames_of())]
    with pytest.raises(
        ValueError, match=r"record 0 .*'a': .*looks like a frame-level record, with"
    ):
        infer_records(tmp_path, tmp_path, frames)


def test_predictions_that_are_not_numbers_name_the_video(workplace, tmp_path, monkeypatch):
    def broken(train_dir, checkpoint):
        restored = restore_model(train_dir, checkpoint)
        bias = restored.model.trainable_weights[-1]
        bias.assign(np.full(bias.shape, np.nan))
        return restored

    monkeypatch.setattr(inference, "restore_model", broken)
    with pytest.raises(ValueError, match="the predictions for v0 are not all numbers"):
        infer(workplace, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output_file=o"], "--input_data_pattern must be given"),
        (["--input_data_pattern=i"], "--output_file must be given"),
        (["--input_data_pattern=i", "--output_file=o"], "either --train_dir or --input_model_tgz"),
        (
            ["--input_data_pattern=i", "--output_file=o", "--train_dir=t", "--input_model_tgz=m"],
            "either --train_dir or --input_model_tgz; received --train_dir='t'",
        ),
        (
            ["--input_data_pattern=i", "--output_file=o", "--train_dir=t", "--top_k=0"],
            "--top_k must be at least 1; received 0",
        ),
        (
            [
                "--input_data_pattern=i",
                "--output_file=o",
                "--train_dir=t",
                "--segment_label_ids_file=x",
            ],
            "--segment_label_ids_file goes with --segment_labels",
        ),
        (
            [
                *("--input_data_pattern=i", "--output_file=o", "--train_dir=t"),
                *("--segment_labels", "--sample_frames=3"),
            ],
            "--sample_frames does not go with --segment_labels",
        ),
        (
            [
                *("--input_data_pattern=i", "--output_file=o"),
                *("--input_model_tgz=m", "--checkpoint=best"),
            ],
            "--input_model_tgz holds one checkpoint; received --checkpoint=best",
        ),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError) as error:
        PROGRAM.parse(flags)
    assert message in str(error.value)


def test_flags_that_repeat_the_training_change_nothing(workplace, tmp_path, capsys):
    expected = infer(workplace, tmp_path / "a.csv")
    capsys.readouterr()
    repeated = [
        "--model=NetVLADModelLF", "--netvlad_cluster_size=4", "--netvlad_hidden_size=5",
        "--gating=True", "--netvlad_relu=False", "--moe_low_rank_gating=-1", "--frame_features",
        "--feature_names=rgb,audio", "--feature_sizes=6,2", f"--num_classes={NUM_CLASSES}",
    ]  # fmt: skip
    training = ["--learning_rate_decay=0.8", "--moe_l2=1e-3", "--label_loss=HingeLoss"]
    flags = [*repeated, *training, "--run_once=True"]
    assert infer(workplace, tmp_path / "b.csv", *flags) == expected
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Flags of" in line]
    named = line.removeprefix("Flags of training, which change nothing here: ").split(", ")
    assert sorted(named) == ["--label_loss", "--learning_rate_decay", "--moe_l2"]


def test_flags_that_contradict_the_training_are_refused_with_both_values(workplace, tmp_path):
    flags = ["--netvlad_cluster_size=64", "--lightvlad", "--feature_sizes=6,3", "--moe_l2=1"]
    with pytest.raises(ValueError, match=r"model\.ckpt-3 is of another model") as error:
        infer(workplace, tmp_path / "a.csv", *flags)
    assert str(error.value).splitlines()[1:] == [
        "  --feature_sizes: 6,2 there, 6,3 now",
        "  --pooling: netvlad there, netrvlad now",
        "  --num_clusters: 4 there, 64 now",
    ]
    assert not (tmp_path / "a.csv").exists()


def test_frames_may_be_fewer_than_in_training(workplace, frame_videos, tmp_path):
    packed = tmp_path / "model.tgz"
    flags = ["--max_frames=3", "--top_k=1", f"--output_model_tgz={packed}"]
    _, *lines = infer(workplace, tmp_path / "a.csv", *flags)
    received = {video: scores[0] for video, _, scores in map(parse, lines)}
    expected = predict(workplace, [frames[:3] for frames in frame_videos]).max(axis=1)
    for n, score in enumerate(expected):
        np.testing.assert_allclose(received[f"v{n}"], score, rtol=2e-4)
    # What is packed is the model as it was trained.
    source = [f"--input_model_tgz={packed}", f"--untar_model_dir={tmp_path / 'unpacked'}"]
    assert infer(workplace, tmp_path / "b.csv", model=source) == infer(
        workplace, tmp_path / "c.csv"
    )


def test_segments_of_video_level_models_are_refused(tmp_path):
    write_records(tmp_path / "test0.tfrecord", [video_record(b"a", [0], {"mean_rgb": np.ones(6)})])
    save_model(tmp_path / "model", ModelConfig("LogisticModel"), VIDEOS, step=1, seed=1)
    with pytest.raises(ValueError, match="--segment_labels needs a frame-level model"):
        infer(tmp_path, tmp_path / "out.csv", "--segment_labels")


def test_help_is_answered_without_tensorflow():
    code = (
        "import sys; sys.argv = ['inference.py', '--help']\n"
        "try:\n    import runpy; runpy.run_path('inference.py', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0 and not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
        "    print('light')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--segment_max_pred" in result.stdout
    assert result.stdout.endswith("light\n")


def test_real_records(shared, tmp_path):
    data = DataConfig(("mean_rgb", "mean_audio"), (1024, 128))
    save_model(tmp_path / "model", ModelConfig("LogisticModel"), data, step=1, seed=1)
    pattern = shared / "data" / "youtube8m_video_level" / "*.tfrecord"
    output = tmp_path / "out.csv"
    arguments = [*model_flag(tmp_path), f"--input_data_pattern={pattern}"]
    main(PROGRAM.parse([*arguments, f"--output_file={output}"]))
    _, *lines = output.read_text().splitlines()
    parsed = [parse(line) for line in lines]
    assert len(parsed) == 1140
    assert {len(video) for video, _, _ in parsed} == {4}
    assert {len(set(classes)) for _, classes, _ in parsed} == {20}
    assert all(scores == sorted(scores, reverse=True) for _, _, scores in parsed)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_stopped_run_leaves_nothing(workplace, tmp_path, number):
    output = tmp_path / "out" / "out.csv"
    code = (
        "import time\n"
        "from yt8m_models.prediction import __main__, inference\n"
        "inference.predict = lambda *arguments: time.sleep(600)\n"
        "__main__.PROGRAM.run()"
    )
    command = [sys.executable, "-c", code, *model_flag(workplace), f"--output_file={output}"]
    command.append(f"--input_data_pattern={workplace}/test*.tfrecord")
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (output.parent.exists() and list(output.parent.iterdir())):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(60) == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    finally:
        process.kill()
    assert list(output.parent.iterdir()) == []
