"""Tests of yt8m_models.training.train_dir."""

import dataclasses
import json

import pytest

from yt8m_models.config import TRAINING_ONLY, DataConfig, ModelConfig
from yt8m_models.storage.whole_file import join
from yt8m_models.training.train_dir import read_model_flags, record_model_flags, remove_training

MODEL = ModelConfig(model="MoeModel")
DATA = DataConfig(("mean_rgb",), (8,), num_classes=5)

WRITTEN = (
    "model_flags.json",
    "training_flags.json",
    "training.csv",
    "training.csv.partial",
    "validation.csv",
    "checkpoint",
    "model.ckpt-10.index",
    "model.ckpt-10.data-00000-of-00001",
    "model.ckpt-20_temp/part-00000-of-00001.data-00000-of-00001",
    "train/events.out.tfevents.1700000000.host.1.0.v2",
    "eval/events.out.tfevents.1700000000.host.1.0.v2",
    "eval/metrics.json",
    "eval/per_class.csv",
    "best/checkpoint",
    "best/model.ckpt-10.index",
    "best/model.ckpt-10.data-00000-of-00001",
)


def fill(directory, names):
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_join():
    assert join("/a/b/", "c") == "/a/b/c"
    assert join("gs://bucket/dir", "train", "x") == "gs://bucket/dir/train/x"
    assert join("/", "c") == "//c"


def test_the_flags_are_written_once_and_the_same_flags_accepted(tmp_path):
    train_dir = str(tmp_path / "new" / "model")
    record_model_flags(train_dir, MODEL, DATA, "CrossEntropyLoss")
    record = json.loads((tmp_path / "new/model/model_flags.json").read_text())
    assert record["model"] == "MoeModel"
    assert record["moe_num_mixtures"] == 2  # Resolved: a later default changes nothing.
    record_model_flags(train_dir, MODEL, DATA, "CrossEntropyLoss")
    assert read_model_flags(train_dir) == (MODEL.resolved(), DATA, "CrossEntropyLoss")


@pytest.mark.parametrize(
    ("model", "data", "loss", "parts"),
    [
        (ModelConfig("LogisticModel"), DATA, "CrossEntropyLoss",
         ["--model: MoeModel there, LogisticModel now",
          "--video_level_classifier_model: MoeModel there, LogisticModel now"]),
        (ModelConfig("MoeModel", moe_num_mixtures=4, moe_l2=0.5), DATA, "HingeLoss",
         ["--moe_num_mixtures: 2 there, 4 now"]),
        (MODEL, DataConfig(("rgb", "audio"), (8, 2), True, num_classes=5), "CrossEntropyLoss",
         ["--feature_names: mean_rgb there, rgb,audio now", "--feature_sizes: 8 there, 8,2 now",
          "--frame_features: false there, true now"]),
    ],
)  # fmt: skip
def test_another_model_is_refused_with_each_differing_flag(tmp_path, model, data, loss, parts):
    train_dir = str(tmp_path)
    record_model_flags(train_dir, MODEL, DATA, "CrossEntropyLoss")
    (tmp_path / "model.ckpt-1.index").touch()
    before = (tmp_path / "model_flags.json").read_bytes()
    with pytest.raises(ValueError, match="belongs to another model") as error:
        record_model_flags(train_dir, model, data, loss)
    for part in parts:
        assert part in str(error.value)
    assert str(error.value).count("there,") == len(parts)
    assert (tmp_path / "model_flags.json").read_bytes() == before


def test_what_no_weight_depends_on_may_change_and_is_said(tmp_path, capsys):
    train_dir = str(tmp_path)
    frames = DataConfig(("rgb",), (8,), frame_features=True, num_classes=5)
    model = ModelConfig("NeXtVLADModel")
    record_model_flags(train_dir, model, frames, "CrossEntropyLoss")
    (tmp_path / "model.ckpt-1.index").touch()
    segments = dataclasses.replace(
        frames, segment_labels=True, max_frames=150, unequal_frames="pad"
    )
    changes = {
        "segment_labels": ("false", "true"),
        "max_frames": ("300", "150"),
        "unequal_frames": ("trim", "pad"),
        "iterations": ("0", "5"),
        "sample_random_frames": ("true", "false"),
        "initial_scale": ("None", "2.0"),
        "batch_norm_decay": ("0.95", "0.9"),
        "dropout": ("0.5", "0.75"),
        "frame_dropout": ("0.0", "0.25"),
        "hidden_dropout": ("0.0", "0.25"),
        "moe_l2": ("1e-08", "0.0001"),
        "label_loss": ("CrossEntropyLoss", "HingeLoss"),
    }
    assert set(changes) == set(TRAINING_ONLY)
    other = dataclasses.replace(
        model, iterations=5, sample_random_frames=False, initial_scale=2.0, batch_norm_decay=0.9,
        dropout=0.75, frame_dropout=0.25, hidden_dropout=0.25, moe_l2=1e-4,
    )  # fmt: skip
    record_model_flags(train_dir, other, segments, "HingeLoss")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "The training goes on with other flags:"
    expected = {f"  --{name}: {old} there, {new} now" for name, (old, new) in changes.items()}
    assert set(said[1:]) == expected
    assert read_model_flags(train_dir) == (other.resolved(), segments, "HingeLoss")
    record_model_flags(train_dir, other, segments, "HingeLoss")
    assert capsys.readouterr().out == ""


def test_flags_without_a_checkpoint_are_replaced(tmp_path):
    train_dir, model = str(tmp_path), ModelConfig("LogisticModel")
    record_model_flags(train_dir, MODEL, DATA, "CrossEntropyLoss")
    record_model_flags(train_dir, model, DATA, "HingeLoss")
    assert read_model_flags(train_dir) == (model.resolved(), DATA, "HingeLoss")


def test_flags_of_the_starter_code_are_those_of_the_same_model(tmp_path):
    record = {
        "model": "MoeModel",
        "feature_sizes": "8",
        "feature_names": "mean_rgb",
        "frame_features": False,
        "label_loss": "CrossEntropyLoss",
    }
    (tmp_path / "model_flags.json").write_text(json.dumps(record))
    data = DataConfig(("mean_rgb",), (8,))
    (tmp_path / "model.ckpt-1.index").touch()
    record_model_flags(str(tmp_path), MODEL, data, "CrossEntropyLoss")
    assert json.loads((tmp_path / "model_flags.json").read_text()) == record


@pytest.mark.parametrize("text", ["", "{", "[]", '{"colour": 1}', '{"feature_names": 3}'])
def test_flags_that_cannot_be_understood_are_named(tmp_path, text):
    (tmp_path / "model_flags.json").write_text(text)
    with pytest.raises(ValueError, match=r"model_flags\.json"):
        read_model_flags(str(tmp_path))


def test_a_directory_without_training_is_named(tmp_path):
    with pytest.raises(ValueError, match="nothing was trained there"):
        read_model_flags(str(tmp_path))


def test_what_training_wrote_is_removed(tmp_path):
    fill(tmp_path, WRITTEN)
    remove_training(str(tmp_path) + "/")
    assert list(tmp_path.iterdir()) == []
    remove_training(str(tmp_path / "missing"))


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "metrics.json",
        "train/train0001.tfrecord",
        "best/photo.png",
        "data/train0001.tfrecord",
        "model.ckpt-10.meta",
        "eval/more/metrics.json",
        "my_model.ckpt-10.index",
        "old/model.ckpt-10.index",
        ".git/config",
    ],
)
def test_a_directory_with_anything_else_is_refused_and_left_alone(tmp_path, name):
    fill(tmp_path, [*WRITTEN, name])
    with pytest.raises(ValueError, match="nothing was removed") as error:
        remove_training(str(tmp_path))
    assert name.split("/")[0] in str(error.value)
    for path in [*WRITTEN, name]:
        assert (tmp_path / path).exists()
