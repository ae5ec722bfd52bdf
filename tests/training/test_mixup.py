"""Mixing videos: the weights, and what becomes of frames and labels."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.training.history import read_history
from yt8m_models.training.mixup import WEIGHTS, mix, mixup_weights
from yt8m_models.training.trainer import train

from .conftest import DATA, MODEL


def test_weights_are_the_larger_share_and_follow_their_seeds():
    weights = mixup_weights(0.5, (1, 0, 7), 2000)
    assert weights.dtype == np.float32
    assert weights.min() >= 0.5
    assert weights.max() <= 1
    # max(λ, 1 - λ) for λ ~ Beta(1/2, 1/2), the arcsine law, has the mean 1/2 + 1/π.
    assert weights.mean() == pytest.approx(0.5 + 1 / np.pi, abs=0.01)
    np.testing.assert_array_equal(mixup_weights(0.5, (1, 0, 7), 2000), weights)
    assert not np.array_equal(mixup_weights(0.5, (1, 0, 8), 2000), weights)


def test_frames_are_mixed_dequantised_and_padding_as_zeros():
    videos = np.array([[[0, 255], [51, 102]], [[255, 0], [7, 7]]], np.uint8)
    batch = {
        "video_matrix": tf.constant(videos),
        "num_frames": tf.constant([2, 1]),
        "labels": tf.constant([[True, False], [True, True]]),
        WEIGHTS: tf.constant([0.75, 0.5]),
    }
    mixed = mix(batch)
    floats = videos * (4 / 255) + (4 / 512 - 2)
    floats[1, 1] = 0
    expected = [0.75 * floats[0] + 0.25 * floats[1], 0.5 * floats[1] + 0.5 * floats[0]]
    np.testing.assert_allclose(mixed["video_matrix"], expected, rtol=1e-6)
    assert mixed["num_frames"].numpy().tolist() == [2, 2]
    assert mixed["labels"].numpy().tolist() == [[1, 0.25], [1, 0.5]]
    assert set(mixed) == {"video_matrix", "num_frames", "labels"}


def test_videos_without_frames_axis_are_mixed_too():
    batch = {
        "video_matrix": tf.constant([[1.0, 3.0], [5.0, -1.0]]),
        "num_frames": tf.constant([1, 1]),
        "labels": tf.constant([[1, 0], [0, 1]]),
        WEIGHTS: tf.constant([1.0, 0.75]),
    }
    assert mix(batch)["video_matrix"].numpy().tolist() == [[1, 3], [4, 0]]


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_training_with_mixup_learns_and_resumes_alike(config, change, jit_compile):
    config = change(config, mixup=0.5, jit_compile=jit_compile)
    train(config, DATA, MODEL)
    rows = read_history(f"{config.train_dir}/training.csv")
    assert rows[-1]["loss"] < rows[0]["loss"]
    plain = change(config, mixup=0.0, train_dir=config.train_dir + "-plain")
    train(plain, DATA, MODEL)
    assert read_history(f"{plain.train_dir}/training.csv")[0]["loss"] != rows[0]["loss"]
    resumed = change(config, train_dir=config.train_dir + "-resumed")
    for max_steps in (2, None):
        train(change(resumed, max_steps=max_steps), DATA, MODEL)
    again = read_history(f"{resumed.train_dir}/training.csv")
    assert [row["loss"] for row in again] == [row["loss"] for row in rows]


def test_rated_segments_are_not_mixed(config, change):
    data = dataclasses.replace(DATA, segment_labels=True)
    with pytest.raises(ValueError, match=r"--mixup must be 0 with --segment_labels.*received 0.5"):
        train(change(config, mixup=0.5), data, MODEL)
