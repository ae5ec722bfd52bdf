"""Tests of yt8m_models.training.pretrained: trainings that start from the weights of others."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import ASSIGNMENTS, DataConfig, ModelConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.models import create_model
from yt8m_models.poolings import POOLINGS
from yt8m_models.presets import FRAME_LEVEL, PRESETS
from yt8m_models.training.checkpoints import Checkpoints, restore_model
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.pretrained import take_weights
from yt8m_models.training.trainer import train

from .conftest import DATA, MODEL, NUM_CLASSES, frame_records

VIDEOS = DataConfig(("mean_rgb",), (6,), num_classes=5)
SIZES = {
    "num_clusters": 4,
    "hidden_size": 6,
    "nextvlad_groups": 2,
    "gating_reduction": 2,
    "recurrent_cells": 3,
    "attention_size": 3,
}
CASES = {
    **{name: ModelConfig(name, **SIZES) for name in PRESETS},
    **{
        name: ModelConfig("DSGMMModel", pooling=name, **SIZES)
        for name in POOLINGS
        if name not in ("vlad", "sgmm")
    },
    **{name: ModelConfig("NetVLADModelLF", assignment=name, **SIZES) for name in ASSIGNMENTS},
}
NETVLAD = ModelConfig("NetVLADModelLF", **SIZES)


def fresh(model_config, seed, data=None):
    """A model whose weights, moving statistics too, are drawn from the seed."""
    if data is None:
        data = DATA if model_config.model in FRAME_LEVEL else VIDEOS
    model = create_model(model_config, data)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.weights])
    return model


def saved(model, directory, step=7):
    """The path of the only checkpoint in a directory that has no more than that."""
    variable = tf.Variable(step, dtype=tf.int64)
    return Checkpoints(str(directory), keep=5, model=model, step=variable).save(step)


def equal(one, other):
    return [bool((a == b).all()) for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("name", CASES)
def test_every_weight_has_a_name(name, tmp_path):
    source, model = fresh(CASES[name], seed=1), fresh(CASES[name], seed=2)
    saved(source, tmp_path)
    assert take_weights(model, str(tmp_path)) == []
    assert all(equal(model.get_weights(), source.get_weights()))


def test_a_classifier_of_other_classes_starts_anew(tmp_path, capsys):
    source = fresh(NETVLAD, seed=1)
    model = fresh(NETVLAD, seed=2, data=dataclasses.replace(DATA, num_classes=4))
    before, path = model.get_weights(), saved(source, tmp_path)
    new = take_weights(model, path)
    assert {name.split("/")[0] for name in new} == {"classifier"}
    classifier = {id(weight) for weight in model.classifier.weights}
    for weight, old, received, expected in zip(
        model.weights, before, model.get_weights(), source.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(received, old if id(weight) in classifier else expected)
    output = capsys.readouterr().out
    assert f"Weights start from {path}: {len(model.weights) - len(new)} of " in output
    # Two experts a class after 6 hidden units.
    assert "\n    classifier/experts_kernel (6, 8), (6, 12) there\n" in output
    assert "  taken:\n    input_batch_norm/gamma\n" in output
    assert "not in this model" not in output


def test_a_classifier_is_taken_as_a_whole_or_not_at_all(tmp_path):
    """3 experts of 4 classes have as many columns as 2 of 6, and another order of them."""
    source = fresh(NETVLAD, seed=1)
    config = dataclasses.replace(NETVLAD, moe_num_mixtures=3)
    model = fresh(config, seed=2, data=dataclasses.replace(DATA, num_classes=4))
    before = model.classifier.get_weights()
    assert model.classifier.experts_kernel.shape == source.classifier.experts_kernel.shape
    saved(source, tmp_path)
    take_weights(model, str(tmp_path))
    assert all(equal(model.classifier.get_weights(), before))


def test_what_only_one_model_has_is_listed(tmp_path, capsys):
    """The other has a bias instead of batch normalisation, and no gating."""
    source = fresh(dataclasses.replace(NETVLAD, gating=False), seed=1)
    model = fresh(dataclasses.replace(NETVLAD, batch_norm=False), seed=2)
    saved(source, tmp_path)
    new = take_weights(model, str(tmp_path))
    assert sorted({name.rsplit("/", 1)[0] for name in new}) == [
        "gating", "pooling_0/assign", "pooling_1/assign"
    ]  # fmt: skip
    output = capsys.readouterr().out
    assert "\n    pooling_0/assign/bias (4,), not there\n" in output
    assert "  not in this model:\n    input_batch_norm/gamma (12,)\n" in output
    np.testing.assert_array_equal(model.pooling_0.means, source.pooling_0.means)


def test_the_best_checkpoint_is_taken_where_there_is_one(tmp_path):
    best, latest, model = (fresh(MODEL, seed) for seed in range(3))
    path = saved(latest, tmp_path, step=9)
    take_weights(model, str(tmp_path))
    assert all(equal(model.get_weights(), latest.get_weights()))
    saved(best, tmp_path / "best", step=4)
    take_weights(model, str(tmp_path))
    assert all(equal(model.get_weights(), best.get_weights()))
    take_weights(model, f"{path}.index")
    assert all(equal(model.get_weights(), latest.get_weights()))


def test_where_nothing_fits_both_shapes_are_said(tmp_path):
    saved(fresh(ModelConfig("MoeModel"), seed=1), tmp_path)
    other = dataclasses.replace(VIDEOS, feature_sizes=(3,), num_classes=2)
    with pytest.raises(ValueError, match=r"no weight of .*/model\.ckpt-7 fits the model") as error:
        take_weights(fresh(ModelConfig("MoeModel"), seed=2, data=other), str(tmp_path))
    assert "classifier/experts_kernel (3, 4), (6, 10) there" in str(error.value)


def test_what_cannot_be_read_is_named(tmp_path):
    model = fresh(MODEL, seed=1)
    for missing in (tmp_path, tmp_path / "none", tmp_path / "model.ckpt-3"):
        with pytest.raises(ValueError, match=f"received {missing}, where there is no checkpoint"):
            take_weights(model, str(missing))
    path = saved(model, tmp_path)
    with open(f"{path}.data-00000-of-00001", "r+b") as file:
        file.truncate(20)
    with pytest.raises(ValueError, match=rf"--init_from={tmp_path}: {path} cannot be read"):
        take_weights(model, str(tmp_path))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("w", (3,))
        session.run(variable.initializer)
        old = tf.compat.v1.train.Saver([variable]).save(session, str(tmp_path / "old"), 1)
    with pytest.raises(ValueError, match=r"of TensorFlow 1; `yt8m import-checkpoint`"):
        take_weights(model, old)


@pytest.mark.parametrize("inside", ["", "/", "/best", "/model.ckpt-2"])
def test_a_training_does_not_start_from_itself(tmp_path, inside):
    with pytest.raises(ValueError, match=f"--init_from must be outside of --train_dir={tmp_path},"):
        TrainConfig(
            train_dir=str(tmp_path), train_data_pattern="x", init_from=f"{tmp_path}{inside}"
        )
    TrainConfig(train_dir=str(tmp_path), train_data_pattern="x", init_from=f"{tmp_path}-old")


@pytest.fixture
def source(config, change):
    """The directory of a training of 3 steps."""
    directory = f"{config.train_dir}-source"
    train(change(config, train_dir=directory, max_steps=3), DATA, MODEL)
    return directory


def restored(directory):
    return restore_model(directory).model.get_weights()


def test_a_training_starts_at_step_0_with_the_other_weights(source, config, change):
    """By a step too small to change the weights."""
    config = change(config, init_from=source, max_steps=1, base_learning_rate=1e-12)
    assert train(config, DATA, MODEL)["step"] == 1
    for received, expected in zip(restored(config.train_dir), restored(source), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_a_resumed_training_does_not_start_again(source, config, change, capsys):
    train(change(config, init_from=source), DATA, MODEL)
    parts = change(config, train_dir=f"{config.train_dir}-parts", init_from=source)
    train(change(parts, max_steps=2), DATA, MODEL)
    assert capsys.readouterr().out.count("Weights start from") == 2
    tf.io.gfile.rmtree(source)
    assert train(parts, DATA, MODEL)["step"] == 6
    assert "Weights start from" not in capsys.readouterr().out
    assert all(equal(restored(parts.train_dir), restored(config.train_dir)))


def test_a_wrong_source_removes_nothing(config, change, tmp_path):
    train(change(config, max_steps=1), DATA, MODEL)
    wrong = change(config, start_new_model=True, init_from=str(tmp_path / "none"))
    with pytest.raises(ValueError, match="--init_from must be the directory of a training"):
        train(wrong, DATA, MODEL)
    assert restore_model(config.train_dir).step == 1


def test_fixed_clusters_are_those_of_the_source(config, change, tmp_path):
    model_config = ModelConfig("VLADModel", **SIZES, iterations=5)
    source = fresh(model_config, seed=1)
    saved(source, tmp_path / "source")
    config = change(config, init_from=str(tmp_path / "source"), max_steps=1)
    train(config, DATA, model_config)
    model = restore_model(config.train_dir).model
    np.testing.assert_array_equal(model.pooling_0.means, source.pooling_0.means)
    larger = dataclasses.replace(model_config, num_clusters=8)
    config = change(config, train_dir=f"{config.train_dir}-larger")
    with pytest.raises(ValueError, match="--pooling=vlad needs --ubm_dir"):
        train(config, DATA, larger)


def test_the_recipe_of_2019(config, change, tmp_path):
    """Video labels first; then the rated segments, whose labels are others, from those weights."""
    write_records(tmp_path / "videos.tfrecord", frame_records(60, seed=3))
    rng = np.random.default_rng(4)
    segments = [
        frame_record(
            b"s%d" % video,
            [],
            {"rgb": rng.integers(0, 256, (10, 8), np.uint8), "audio": np.zeros((10, 4), np.uint8)},
            [(0, 5, video % NUM_CLASSES, 1.0), (5, 10, video % NUM_CLASSES, 0.0)],
        )
        for video in range(24)
    ]
    write_records(tmp_path / "segments.tfrecord", segments)
    videos = change(config, train_data_pattern=str(tmp_path / "videos.tfrecord"), num_epochs=8)
    train(videos, DATA, MODEL)
    rated = change(
        config,
        train_dir=f"{config.train_dir}-segments",
        train_data_pattern=str(tmp_path / "segments.tfrecord"),
        init_from=videos.train_dir,
        batch_size=24,
        max_steps=1,
        base_learning_rate=1e-12,
    )
    data = change(DATA, segment_labels=True)
    train(rated, data, change(MODEL, dropout=0.3))
    assert restore_model(rated.train_dir).data_config.segment_labels
    for received, expected in zip(
        restored(rated.train_dir), restored(videos.train_dir), strict=True
    ):
        np.testing.assert_allclose(received, expected, atol=1e-6)
