"""Tests of yt8m_models.training.training_flags: which learning rate a training goes by."""

import json
from pathlib import Path

import pytest

from yt8m_models.config import ModelConfig
from yt8m_models.presets import PRESETS, TRAINING, TrainingDefaults
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import TRAINING_FLAGS
from yt8m_models.training.trainer import train
from yt8m_models.training.training_flags import resolve_training_flags

from .conftest import DATA, MODEL

NET_VLAD = ModelConfig("NetVLADModelLF", num_clusters=4, hidden_size=4, iterations=5)


@pytest.fixture
def plain(config, change):
    """`config` for one epoch of 3 steps, which leaves the learning rate to the model."""
    return change(config, base_learning_rate=None, num_epochs=1)


def rates(config):
    return [row["learning_rate"] for row in read_history(f"{config.train_dir}/training.csv")]


def recorded(config):
    return json.loads(Path(config.train_dir, TRAINING_FLAGS).read_text())


def test_the_starter_codes_models_have_its_learning_rate_and_others_their_papers():
    assert set(TRAINING) == set(PRESETS)
    starter_code = {
        "LogisticModel",
        "MoeModel",
        "FrameLevelLogisticModel",
        "DbofModel",
        "LstmModel",
    }
    for name, training in TRAINING.items():
        rate = 0.01 if name in starter_code else 0.0002
        assert training.base_learning_rate == rate, name
        assert (training == TrainingDefaults()) == (name in starter_code), name
    assert TRAINING["NetVLADModelLF"] == (0.0002, 0.8, 4e6, "per_variable")
    assert TRAINING["GruModel"] == (0.0002, 0.9, 4e6, "per_variable")
    assert TRAINING["NeXtVLADModel"] == (0.0002, 0.8, 2e6, "per_variable")
    assert TRAINING["DSGMMModel"] == (0.0002, 0.8, 4e6, "value")


def test_a_flag_wins_over_the_record_and_the_record_over_the_model():
    given = TrainConfig(train_data_pattern="a", learning_rate_decay=0.5)
    resolved = given.resolved("DSGMMModel", {"base_learning_rate": 0.003, "learning_rate_decay": 1})
    assert (resolved.base_learning_rate, resolved.learning_rate_decay) == (0.003, 0.5)
    assert (resolved.learning_rate_decay_examples, resolved.clip_mode) == (4e6, "value")
    assert resolved.described() == (
        "AdamOptimizer, learning rate 0.003, times 0.5 every 4,000,000 videos; each value of the "
        "gradients at most 1"
    )


@pytest.mark.parametrize(("model", "rate"), [(MODEL, 0.01), (NET_VLAD, 0.0002)])
def test_a_training_goes_by_its_models_rate_and_says_so_first(plain, capsys, model, rate):
    train(plain, DATA, model)
    assert rates(plain) == pytest.approx([rate] * 3)
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{model.model}: AdamOptimizer, learning rate {rate:g}, times ")
    assert recorded(plain) == TRAINING[model.model]._asdict()


def test_a_resumed_training_keeps_its_rate_until_a_flag_says_otherwise(plain, change):
    train(change(plain, base_learning_rate=0.003), DATA, MODEL)
    train(change(plain, num_epochs=2), DATA, MODEL)
    train(change(plain, num_epochs=3, base_learning_rate=0.002), DATA, MODEL)
    train(change(plain, num_epochs=4), DATA, MODEL)
    assert rates(plain) == pytest.approx([0.003] * 6 + [0.002] * 6)
    train(change(plain, start_new_model=True), DATA, MODEL)
    assert rates(plain) == pytest.approx([0.01] * 3)


@pytest.mark.parametrize("flag", [None, 0.01, 0.004])
def test_a_directory_without_a_record_goes_on_with_the_rate_of_its_curve(plain, change, flag):
    """Before there was a record, NetVLAD's default was 0.01, and nothing was recorded."""
    decayed = {"learning_rate_decay": 0.5, "learning_rate_decay_examples": 80.0}
    first = {**decayed, "base_learning_rate": 0.01, "clip_mode": "global"}
    train(change(plain, **first), DATA, NET_VLAD)
    Path(plain.train_dir, TRAINING_FLAGS).unlink()
    train(change(plain, num_epochs=2, base_learning_rate=flag, **decayed), DATA, NET_VLAD)
    rate = 0.01 if flag is None else flag
    # 40 videos a step: the rate falls after every second one.
    assert rates(plain) == pytest.approx(
        [0.01, 0.01, 0.005, rate / 2, rate / 4, rate / 4], rel=1e-6
    )
    assert recorded(plain)["clip_mode"] == "per_variable"  # the default of the time


def test_what_was_never_trained_takes_the_models_rate(plain, change):
    """A checkpoint without a curve was imported."""
    train(plain, DATA, NET_VLAD)
    for name in (TRAINING_FLAGS, "training.csv"):
        Path(plain.train_dir, name).unlink()
    assert resolve_training_flags(plain, NET_VLAD.model, 1).base_learning_rate == 0.0002


def test_a_damaged_record_is_named(plain):
    train(plain, DATA, MODEL)
    Path(plain.train_dir, TRAINING_FLAGS).write_text('{"rate": 1}')
    with pytest.raises(ValueError, match=r"training_flags\.json is not the flags of a training"):
        train(plain, DATA, MODEL)
