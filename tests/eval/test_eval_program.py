"""The evaluation program end to end, on small records and models with fresh weights."""

import csv
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from eval import metrics
from eval.__main__ import PROGRAM, main
from eval.program import evaluation
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.models import create_model
from yt8m_models.program.command import UsageError
from yt8m_models.training.checkpoints import Checkpoints, restore_model
from yt8m_models.training.train_dir import record_model_flags

ROOT = Path(__file__).resolve().parents[2]
VIDEOS = DataConfig(("mean_rgb",), (6,), num_classes=7)
FRAMES = DataConfig(("rgb",), (6,), frame_features=True, num_classes=7)


def save_model(directory, model, data, step, seed=0, best=False):
    """A training directory with a checkpoint of fresh weights, in `best` if asked for."""
    keras.utils.set_random_seed(seed)
    created = create_model(model, data)
    record_model_flags(str(directory), model, data, "CrossEntropyLoss")
    step_variable = tf.Variable(step, dtype=tf.int64)
    place = str(directory / "best" if best else directory)
    Checkpoints(place, keep=5, model=created, step=step_variable).save(step)


@pytest.fixture(scope="module")
def videos():
    """Features `(40, 6)` and labels `(40, 7)`; class 6 has no positives, video 0 no labels."""
    rng = np.random.default_rng(0)
    labels = rng.random((40, 7)) < 0.3
    labels[:, 6] = labels[0] = False
    return rng.normal(size=(40, 6)).astype(np.float32), labels


@pytest.fixture
def workplace(tmp_path, videos):
    """Video-level records in two shards and a model of step 5."""
    records = [
        video_record(b"v%d" % n, np.flatnonzero(labels), {"mean_rgb": features})
        for n, (features, labels) in enumerate(zip(*videos, strict=True))
    ]
    write_records(tmp_path / "validate0.tfrecord", records[:25])
    write_records(tmp_path / "validate1.tfrecord", records[25:])
    save_model(tmp_path / "model", ModelConfig("MoeModel"), VIDEOS, step=5)
    return tmp_path


def run(directory, *flags):
    pattern = f"--eval_data_pattern={directory}/validate*.tfrecord"
    main(PROGRAM.parse([f"--train_dir={directory}/model", pattern, *flags]))


def metrics_file(directory):
    return json.loads((directory / "model" / "eval" / "metrics.json").read_text())


def predict(directory, video_matrix, num_frames):
    model = restore_model(str(directory / "model")).model
    return model({"video_matrix": video_matrix, "num_frames": num_frames}).numpy()


def cross_entropy(predictions, labels, weights=1.0):
    predictions = predictions.astype(np.float64)
    terms = labels * np.log(predictions + 1e-5) + (1 - labels) * np.log(1 - predictions + 1e-5)
    return -(terms * weights).sum(axis=1).mean()


@pytest.mark.parametrize("flags", [(), ("--batch_size=7",), ("--jit_compile",)])
def test_metrics_of_a_checkpoint(workplace, videos, flags, capsys):
    run(workplace, "--run_once", *flags)
    features, labels = videos
    predictions = predict(workplace, features, np.ones(40, np.int32))
    written = metrics_file(workplace)
    assert written["step"] == 5
    assert written["checkpoint"] == f"{workplace}/model/model.ckpt-5"
    assert written["eval_data_pattern"] == f"{workplace}/validate*.tfrecord"
    assert written["num_videos"] == 40
    np.testing.assert_allclose(written["loss"], cross_entropy(predictions, labels), rtol=1e-5)
    np.testing.assert_allclose(written["gap"], metrics.gap(predictions, labels), rtol=1e-6)
    np.testing.assert_allclose(written["hit_at_one"], metrics.hit_at_one(predictions, labels))
    np.testing.assert_allclose(written["perr"], metrics.perr(predictions, labels), rtol=1e-6)
    average = metrics.mean_average_precision(predictions, labels)
    np.testing.assert_allclose(written["map"], average, rtol=1e-6)
    model, header, row = capsys.readouterr().out.splitlines()
    assert model == f"Model: MoeModel of step 5, {written['checkpoint']}"
    assert header.split() == ["checkpoint", "videos", "loss", "Hit@1", "PERR", "GAP", "mAP"]
    values = [written[name] for name in ("loss", "hit_at_one", "perr", "gap", "map")]
    assert row.split() == [written["checkpoint"], "40", *[f"{value:.4f}" for value in values]]


def test_classes_with_names(workplace, videos):
    vocabulary = workplace / "vocabulary.csv"
    vocabulary.write_text('Index,TrainVideoCount,Name\n0,9,Game\n1,8,"Car, old"\n2,7,Café\n')
    run(workplace, "--run_once", f"--vocabulary={vocabulary}")
    with open(workplace / "model" / "eval" / "per_class.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    features, labels = videos
    predictions = predict(workplace, features, np.ones(40, np.int32))
    expected = metrics.average_precision_per_class(predictions, labels)
    assert [row["name"] for row in rows] == ["Game", "Car, old", "Café", "", "", "", ""]
    assert [int(row["positives"]) for row in rows] == labels.sum(axis=0).tolist()
    precisions = [float(row["average_precision"]) for row in rows[:6]]
    np.testing.assert_allclose(precisions, expected[:6], atol=1e-6)
    assert rows[6]["average_precision"] == ""


def test_scalars_for_tensorboard(workplace):
    run(workplace, "--run_once", f"--output_dir={workplace}/elsewhere")
    (path,) = (workplace / "elsewhere").glob("events.out.tfevents.*")
    scalars = {
        value.tag: (event.step, tf.make_ndarray(value.tensor).item())
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert sorted(scalars) == [
        f"validation/{name}" for name in ("gap", "hit_at_one", "loss", "map", "perr")
    ]
    written = json.loads((workplace / "elsewhere" / "metrics.json").read_text())
    step, loss = scalars["validation/loss"]
    assert step == 5
    np.testing.assert_allclose(loss, written["loss"], rtol=1e-6)


@pytest.mark.parametrize(("flags", "count"), [((), 4), (("--unequal_frames=pad",), 6)])
def test_features_of_unequal_lengths(tmp_path, flags, count, capsys):
    data = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=7)
    frames = np.random.default_rng(2).integers(0, 256, (6, 8), np.uint8)
    record = frame_record(b"a", [2], {"rgb": frames[:4, :6], "audio": frames[:, 6:]})
    write_records(tmp_path / "validate0.tfrecord", [record])
    save_model(tmp_path / "model", ModelConfig("FrameLevelLogisticModel"), data, step=1)
    run(tmp_path, "--run_once", *flags)
    frames[4:, :6] = 127  # 0, nearly
    inputs = dequantize(frames[None, :count])
    predictions = predict(tmp_path, inputs, np.full(1, count, np.int32))
    expected = cross_entropy(predictions, np.arange(7)[None] == 2)
    np.testing.assert_allclose(metrics_file(tmp_path)["loss"], expected, rtol=1e-4)
    assert "1 video with features that differ by up to 2 frames" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--unequal_frames=trim, the default, or pad reads them"):
        run(tmp_path, "--run_once", "--unequal_frames=error")


def test_rated_segments_of_a_model_trained_on_videos(tmp_path, capsys):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (14, 6), np.uint8)
    rated = [(0, 5, 2, 1.0), (0, 5, 4, 0.0), (5, 10, 3, 1.0)]
    record = frame_record(b"a", [2, 3], {"rgb": frames}, segments=rated)
    write_records(tmp_path / "validate0.tfrecord", [record])
    save_model(tmp_path / "model", ModelConfig("FrameLevelLogisticModel"), FRAMES, step=1)
    run(tmp_path, "--run_once", "--segment_labels")
    segments = dequantize(np.stack([frames[:5], frames[5:10]])).astype(np.float32)
    predictions = predict(tmp_path, segments, np.full(2, 5, np.int32))
    # Only three pairs are rated: labels 2 of segment 0 and 3 of segment 1, and no label 4.
    labels, weights = np.zeros((2, 7), bool), np.zeros((2, 7))
    labels[0, 2] = labels[1, 3] = True
    weights[0, 2] = weights[0, 4] = weights[1, 3] = 1
    written = metrics_file(tmp_path)
    np.testing.assert_allclose(
        written["loss"], cross_entropy(predictions, labels, weights), rtol=1e-5
    )
    expected = metrics.gap(predictions, labels, label_weights=weights)
    np.testing.assert_allclose(written["gap"], expected, rtol=1e-6)
    assert written["segment_labels"] is True
    assert "segments" in capsys.readouterr().out
    # As videos: one, with its own two labels.
    run(tmp_path, "--run_once")
    assert metrics_file(tmp_path)["num_videos"] == 1


def test_flags_that_contradict_the_training(workplace):
    flags = ["--model=LogisticModel", "--feature_sizes=8", "--num_classes=7", "--moe_l2=0.5"]
    flags += ["--netvlad_cluster_size=8"]
    with pytest.raises(ValueError, match="is of another model") as error:
        run(workplace, "--run_once", *flags)
    assert str(error.value).splitlines()[1:] == [
        "  --feature_sizes: 6 there, 8 now",
        "  --model: MoeModel there, LogisticModel now",
        "  --num_clusters: 256 there, 8 now",
    ]


def test_flags_that_repeat_the_training(workplace):
    flags = ["--model=MoeModel", "--feature_names=mean_rgb", "--feature_sizes=6"]
    run(workplace, "--run_once", *flags, "--noframe_features", "--moe_num_mixtures=2")
    assert metrics_file(workplace)["num_videos"] == 40


def test_flags_of_training_alone_change_nothing_and_are_named(workplace, capsys):
    run(workplace, "--run_once")
    expected = metrics_file(workplace)
    assert "Flags of training" not in capsys.readouterr().out
    run(
        workplace, "--run_once", "--base_learning_rate=0.0002", "--max_step=7", "--l2_penalty=0.5",
        "--iterations=9", "--train_data_pattern=nowhere",
        "--optimizer=Adam", "--start_new_model", "--moe_num_mixtures=2",
    )  # fmt: skip
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Flags of" in line]
    said, flags = line.split(": ")
    assert said == "Flags of training, which change nothing here"
    assert sorted(flags.split(", ")) == [
        "--base_learning_rate", "--iterations", "--l2_penalty", "--max_step", "--optimizer",
        "--start_new_model", "--train_data_pattern",
    ]  # fmt: skip
    assert metrics_file(workplace) == expected


def test_frames_may_be_fewer_or_more_than_in_training(tmp_path):
    frames = np.random.default_rng(2).integers(0, 256, (9, 6), np.uint8)
    write_records(tmp_path / "validate0.tfrecord", [frame_record(b"a", [1], {"rgb": frames})])
    data = dataclasses.replace(FRAMES, max_frames=4)
    save_model(tmp_path / "model", ModelConfig("FrameLevelLogisticModel"), data, step=1)
    labels = np.eye(7, dtype=bool)[[1]]
    for flags, count in (((), 4), (("--max_frames=2",), 2), (("--max_frames=300",), 9)):
        run(tmp_path, "--run_once", *flags)
        seen = dequantize(frames[None, :count]).astype(np.float32)
        predictions = predict(tmp_path, seen, np.array([count], np.int32))
        expected = cross_entropy(predictions, labels, np.ones((1, 7)))
        np.testing.assert_allclose(metrics_file(tmp_path)["loss"], expected, rtol=1e-5)


def test_frames_are_sampled_as_the_flag_says(tmp_path):
    """Of two kinds of frames in halves, a run of two frames is mostly of one kind."""
    frames = np.repeat(np.random.default_rng(3).integers(0, 256, (2, 6), np.uint8), 50, axis=0)
    records = [frame_record(b"%d" % n, [1], {"rgb": frames}) for n in range(40)]
    write_records(tmp_path / "validate0.tfrecord", records)
    save_model(tmp_path / "model", ModelConfig("FrameLevelLogisticModel"), FRAMES, step=1)
    labels, kinds = np.eye(7, dtype=bool)[[1]], []
    for frame in (0, 99):
        seen = dequantize(frames[None, [frame]]).astype(np.float32)
        predictions = predict(tmp_path, seen, np.ones(1, np.int32))
        kinds.append(cross_entropy(predictions, labels, np.ones((1, 7))))
    run(tmp_path, "--run_once", "--sample_frames=2", "--nosample_random_frames")
    runs = metrics_file(tmp_path)["loss"]
    run(tmp_path, "--run_once", "--sample_frames=2")
    assert runs != metrics_file(tmp_path)["loss"]
    assert min(kinds) < runs < max(kinds)


def test_the_loss_may_be_another(workplace, videos):
    run(workplace, "--run_once", "--label_loss=HingeLoss")
    features, labels = videos
    predictions = predict(workplace, features, np.ones(40, np.int32))
    hinge = np.maximum(1 - (2.0 * labels - 1) * predictions, 0).sum(axis=1).mean()
    written = metrics_file(workplace)
    assert written["label_loss"] == "HingeLoss"
    np.testing.assert_allclose(written["loss"], hinge, rtol=1e-5)


def test_metrics_that_are_not_defined_are_null(tmp_path):
    records = [video_record(b"v", [], {"mean_rgb": np.ones(6)})]
    write_records(tmp_path / "validate0.tfrecord", records)
    save_model(tmp_path / "model", ModelConfig("LogisticModel"), VIDEOS, step=1)
    run(tmp_path, "--run_once")
    written = metrics_file(tmp_path)
    assert written["map"] is None
    assert written["hit_at_one"] == 0.0


def test_records_that_cannot_be_evaluated_are_said(workplace, warned):
    run(workplace, "--run_once")
    assert warned() == []
    records = [video_record(b"v", [], {"mean_rgb": np.zeros(6)}) for _ in range(3)]
    write_records(workplace / "validate2.tfrecord", records)
    run(workplace, "--run_once", f"--eval_data_pattern={workplace}/validate2.tfrecord")
    constant, missing = warned()
    assert constant.startswith("the feature mean_rgb is 0 throughout the 3 evaluated examples")
    assert missing.startswith("none of the 3 evaluated examples has a label")


def test_new_checkpoints_are_followed(workplace, monkeypatch, capsys):
    """The poll before the first checkpoint and after each is where checkpoints appear here."""
    data = workplace / "model"
    data.rename(workplace / "later")
    polls = []

    def sleep(seconds):
        polls.append(seconds)
        if len(polls) == 1:
            (workplace / "later").rename(data)
        elif len(polls) == 2:
            save_model(data, ModelConfig("MoeModel"), VIDEOS, step=9, seed=1)
        elif len(polls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(evaluation.time, "sleep", sleep)
    run(workplace, "--poll_seconds=0.5")
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[0] for line in lines if line.startswith(f"{data}/model.ckpt")]
    assert rows == [f"{data}/model.ckpt-5", f"{data}/model.ckpt-9"]
    assert polls == [0.5] * 4
    assert metrics_file(workplace)["step"] == 9


def test_the_best_checkpoint_is_the_default_and_is_followed(workplace, monkeypatch, capsys):
    """The training saves each checkpoint, and after its validation the best of them once more."""
    model, polls = ModelConfig("MoeModel"), []

    def sleep(seconds):
        polls.append(seconds)
        if len(polls) == 4:
            raise KeyboardInterrupt
        changes = {1: {"step": 5, "best": True}, 2: {"step": 9}, 3: {"step": 11, "best": True}}
        save_model(workplace / "model", model, VIDEOS, **changes[len(polls)])

    monkeypatch.setattr(evaluation.time, "sleep", sleep)
    run(workplace)
    said = capsys.readouterr().out.splitlines()
    directory = workplace / "model"
    assert [line for line in said if line.startswith("Model: ")] == [
        f"Model: MoeModel of step 5, {directory}/model.ckpt-5",
        f"Model: MoeModel of step 11, the best by validation loss: {directory}/best/model.ckpt-11",
    ]
    run(workplace, "--run_once", "--checkpoint=latest")
    assert metrics_file(workplace)["step"] == 9
    run(workplace, "--run_once")
    assert metrics_file(workplace)["step"] == 11


def test_a_checkpoint_that_was_removed_meanwhile_is_passed_over(workplace, monkeypatch, capsys):
    def restore(train_dir, checkpoint):
        monkeypatch.setattr(evaluation, "restore_model", restore_model)
        for path in (workplace / "model").glob("model.ckpt-5*"):
            path.unlink()
        save_model(workplace / "model", ModelConfig("MoeModel"), VIDEOS, step=6)
        raise ValueError("no checkpoint")

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "restore_model", restore)
    monkeypatch.setattr(evaluation.time, "sleep", stop)
    run(workplace)
    assert metrics_file(workplace)["step"] == 6


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--checkpoint=best"], "no checkpoint in .*best"),
        (["--checkpoint=absent-1"], "no checkpoint absent-1"),
        (["--train_dir=absent"], "--train_dir=absent: nothing was trained there"),
        (["--eval_data_pattern=absent*"], "no file matches 'absent\\*'"),
        (["--segment_labels"], "--segment_labels needs --frame_features"),
        (["--vocabulary=absent.csv"], r"--vocabulary=absent\.csv cannot be read"),
    ],
)
def test_what_is_missing_is_named(workplace, flags, message):
    with pytest.raises((ValueError, OSError), match=message):
        run(workplace, "--run_once", *flags)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--eval_data_pattern must be given"),
        (["--eval_data_pattern=x", "--top_k=0"], "--top_k must be at least 1; received 0"),
        (["--eval_data_pattern=x", "--model=MoeModl"], "did you mean MoeModel"),
        (["--eval_data_pattern=x", "--label_loss=HingLoss"], "did you mean HingeLoss"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(flags)


def test_help_is_answered_without_tensorflow():
    code = (
        "import sys; sys.argv = ['eval', '--help']\n"
        "try:\n    import runpy; runpy.run_module('eval', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0 and not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
        "    print('light')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--eval_data_pattern" in result.stdout
    assert result.stdout.endswith("light\n")
