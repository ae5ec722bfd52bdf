"""`train` and `evaluate`: they give what the programs write, by the same settings and errors."""

import json
import signal
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import yt8m_models as yt
from eval.__main__ import PROGRAM as EVAL
from yt8m_models.api import evaluating
from yt8m_models.api import training as training_module
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.program.command import UsageError
from yt8m_models.program.interruption import Terminated

DATA = {"feature_names": ("rgb",), "feature_sizes": [6], "frame_features": True, "num_classes": 4}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    directory = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (24, 5, 6), dtype=np.uint8)
    videos = [
        frame_record(b"v%02d" % number, [number % 4], {"rgb": of})
        for number, of in enumerate(frames)
    ]
    write_records(directory / "train.tfrecord", videos)
    return directory / "train.tfrecord"


@pytest.fixture(scope="module")
def settings(pattern, tmp_path_factory):
    return {
        **DATA,
        "train_dir": tmp_path_factory.mktemp("train") / "model",
        "train_data_pattern": pattern,
        "eval_data_pattern": pattern,
        "model": "NetVLADModelLF",
        "netvlad_cluster_size": 2,  # the original's name
        "hidden_size": 8,
        "netvlad_relu": True,  # which is translated
        "batch_size": 12,
        "num_epochs": 2,
        "base_learning_rate": 0.01,
        "export_model_steps": 2,
        "log_steps": 1,
        "top_k": 3,
        "jit_compile": False,
        "seed": None,  # not given
    }


@pytest.fixture(scope="module")
def training(settings):
    """Of 4 steps, validated at steps 2 and 4; half of the settings as a mapping."""
    names = list(settings)
    config = {name: settings[name] for name in names[:9]} | {"batch_size": 7}
    return yt.train(config, **{name: settings[name] for name in names[9:]})


def test_what_a_training_gives(training, settings):
    assert training.train_dir == str(settings["train_dir"])
    assert (training.step, training.epochs) == (4, 2)
    assert training.history["step"].tolist() == [1, 2, 3, 4]
    assert training.validation["step"].tolist() == [2, 4]
    best = training.validation["loss"].argmin()
    assert training.metrics == training.validation.iloc[best].to_dict()
    assert training.checkpoint.endswith(f"best/model.ckpt-{int(training.metrics['step'])}")
    flags = json.loads(Path(training.train_dir, "model_flags.json").read_text())
    assert (flags["num_clusters"], flags["hidden_activation"]) == (2, "relu6")
    assert training.model is training.model
    inputs = {"video_matrix": np.zeros((1, 5, 6), np.float32), "num_frames": np.int32([5])}
    expected = yt.load_model(training.train_dir)(inputs)
    np.testing.assert_array_equal(training.model(inputs), expected)


def test_metrics_without_validation(training, tmp_path):
    logged = training.history.iloc[-1].to_dict()
    pd.DataFrame([logged | {"step": 3}, logged | {"step": 9}]).to_csv(tmp_path / "training.csv")
    found = yt.Training(str(tmp_path), 4, 2, f"{tmp_path}/model.ckpt-4").metrics
    assert (found["step"], found["loss"]) == (3, logged["loss"])
    assert yt.Training(str(tmp_path / "none"), 4, 2, "model.ckpt-4").metrics == {}


def test_evaluation_is_that_of_the_program(training, pattern, tmp_path, run_here):
    status, _, errors = run_here(
        EVAL,
        *(f"--train_dir={training.train_dir}", f"--eval_data_pattern={pattern}", "--run_once"),
        *(f"--output_dir={tmp_path}", "--top_k=3"),
    )
    assert status == 0, errors
    written = json.loads((tmp_path / "metrics.json").read_text())
    before = sorted(Path(training.train_dir).rglob("*"))
    for model in (training.train_dir, Path(training.train_dir), training.model):
        found = yt.evaluate(model, pattern, top_k=3)
        for name in ("loss", "hit_at_one", "perr", "gap", "map", "num_videos"):
            assert found[name] == pytest.approx(written[name], rel=1e-6)
            if name != "num_videos":
                assert training.metrics[name] == pytest.approx(found[name], rel=1e-5)
        assert found["aps"].shape == found["positives"].shape == (4,)
    assert sorted(Path(training.train_dir).rglob("*")) == before
    fewer = yt.evaluate(training.model, pattern, max_frames=1, label_loss="HingeLoss")
    assert fewer["loss"] != pytest.approx(found["loss"])


def test_evaluation_of_a_folder_for_the_hub(training, pattern, tmp_path):
    pytest.importorskip("safetensors", reason="needs the extra `hub`")
    yt.run_program("export", train_dir=training.train_dir, output_dir=tmp_path, format="hf")
    expected = yt.evaluate(training.model, pattern)
    assert yt.evaluate(tmp_path / "hf", pattern)["loss"] == pytest.approx(
        expected["loss"], rel=1e-6
    )
    with pytest.raises(ValueError, match="which has one set of weights"):
        yt.evaluate(tmp_path / "hf", pattern, checkpoint="best")


def test_a_model_that_does_not_know_its_records_is_refused(monkeypatch, pattern):
    monkeypatch.setattr(evaluating, "load_model", lambda source, checkpoint: keras.Sequential())
    with pytest.raises(ValueError, match=r"user/name is a Sequential, .* feature_names"):
        yt.evaluate("user/name", pattern)


def test_mistakes_are_those_of_flags(training, settings, pattern, tmp_path):
    with pytest.raises(UsageError, match="--batch_size must be at least 1; received 0"):
        yt.train(settings, batch_size=0)
    with pytest.raises(UsageError, match=r"batchsize'.*batch_size"):
        yt.train(settings, batchsize=9)
    with pytest.raises(UsageError, match=r"--batch_size=many"):
        yt.train(settings, batch_size="many")
    with pytest.raises(UsageError, match="--num_clusters=3 and --netvlad_cluster_size=2"):
        yt.train(settings, num_clusters=3)
    with pytest.raises(ValueError, match="for the command line"):
        yt.train(list_models=True)
    with pytest.raises(ValueError, match="belongs to another model"):
        yt.train(settings, hidden_size=9)
    with pytest.raises(ValueError, match="--num_classes: 4 there, 5 now"):
        yt.evaluate(training.model, pattern, num_classes=5)
    with pytest.raises(ValueError, match="nothing was trained there"):
        yt.evaluate(tmp_path, pattern)
    with pytest.raises(ValueError, match="no checkpoint"):
        yt.evaluate(training.train_dir, pattern, checkpoint=f"{tmp_path}/model.ckpt-1")


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_an_interrupted_training_is_an_interruption(settings, monkeypatch, number, error):
    stopped = {"signal": number, "step": 1, "epochs": 0}
    monkeypatch.setattr(training_module.trainer, "train", lambda *configs: stopped)
    with pytest.raises(error):
        yt.train(settings)
