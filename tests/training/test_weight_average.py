"""The moving average of the weights: its values, and who predicts with it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.training.checkpoints import has_average, restore_model
from yt8m_models.training.history import read_history
from yt8m_models.training.trainer import train
from yt8m_models.training.weight_average import WeightAverage

from .conftest import DATA, MODEL


def weights(config, checkpoint="latest"):
    restored = restore_model(config.train_dir, checkpoint)
    return [weight.numpy() for weight in restored.model.trainable_weights]


def stored(path):
    """The weights themselves in a checkpoint, without their average."""
    model = restore_model(str(path).rsplit("/", 1)[0]).model
    tf.train.Checkpoint(model=model).read(path).expect_partial()
    return [weight.numpy() for weight in model.trainable_weights]


def test_average_corrected_for_its_start():
    """`Σ d^(t-i) w_i / Σ d^(t-i)`, as Adam's moments divided by `1 - d^t`."""
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    average = WeightAverage(layer, decay=0.9)
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(3, 2)).astype(np.float32) for _ in range(4)]
    for step, value in enumerate(values, 1):
        layer.kernel.assign(value)
        average.update(tf.constant(step))
        powers = 0.9 ** np.arange(step)[::-1]
        expected = np.tensordot(powers, values[:step], axes=1) / powers.sum()
        np.testing.assert_allclose(average.averages[0], expected, rtol=1e-5, atol=1e-6)
    with average.applied():
        np.testing.assert_array_equal(layer.kernel, average.averages[0])
    np.testing.assert_array_equal(layer.kernel, values[-1])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_checkpoints_have_weights_and_average(config, change, tmp_path, jit_compile):
    """With 3 steps of 2: the average after 6 is of the weights that an equal training saved."""
    plain = change(
        config, export_model_steps=1, keep_checkpoints=9, train_dir=config.train_dir + "-plain"
    )
    train(plain, DATA, MODEL)
    steps = [stored(f"{plain.train_dir}/model.ckpt-{step}") for step in range(1, 7)]
    config = change(config, ema_decay=0.5, jit_compile=jit_compile)
    train(config, DATA, MODEL)
    powers = 0.5 ** np.arange(6)[::-1]
    path = f"{config.train_dir}/model.ckpt-6"
    assert has_average(path)
    for last, raw, averaged, *each in zip(
        steps[-1], stored(path), weights(config), *steps, strict=True
    ):
        np.testing.assert_allclose(raw, last, rtol=1e-5, atol=1e-6)
        expected = np.tensordot(powers, each, axes=1) / powers.sum()
        np.testing.assert_allclose(averaged, expected, rtol=1e-4, atol=1e-6)


def test_validation_and_the_best_checkpoint_are_of_the_average(config, change, records):
    config = change(config, ema_decay=0.9, eval_data_pattern=str(records / "val.tfrecord"))
    train(config, DATA, MODEL)
    for best, latest in zip(weights(config, "best"), weights(config), strict=True):
        np.testing.assert_array_equal(best, latest)
    plain = change(config, ema_decay=0.0, train_dir=config.train_dir + "-plain")
    train(plain, DATA, MODEL)
    averaged, raw = (
        read_history(f"{each.train_dir}/validation.csv")[-1]["loss"] for each in (config, plain)
    )
    assert averaged != raw
    rows = [read_history(f"{each.train_dir}/training.csv") for each in (config, plain)]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]


def test_a_resumed_average_goes_on_and_one_that_is_new_starts_from_the_weights(config, change):
    config = change(config, ema_decay=0.9)
    train(config, DATA, MODEL)
    resumed = change(config, train_dir=config.train_dir + "-resumed")
    for max_steps in (2, None):
        train(change(resumed, max_steps=max_steps), DATA, MODEL)
    for expected, received in zip(weights(config), weights(resumed), strict=True):
        np.testing.assert_array_equal(received, expected)

    late = change(config, ema_decay=0.0, max_steps=5, train_dir=config.train_dir + "-late")
    train(late, DATA, MODEL)
    before = weights(late)
    train(change(late, ema_decay=0.9, max_steps=6), DATA, MODEL)
    after = stored(f"{late.train_dir}/model.ckpt-6")
    share = 0.1 / (1 - 0.9**6)
    for old, new, averaged in zip(before, after, weights(late), strict=True):
        np.testing.assert_allclose(averaged, old + share * (new - old), rtol=1e-4, atol=1e-6)
