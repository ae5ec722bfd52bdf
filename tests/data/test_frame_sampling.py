"""Frame sampling against the formulas, worked out from the same random numbers in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.frame_sampling import random_frames, random_sequence

NUM_FRAMES = np.array([0, 1, 4, 30, 31, 300], np.int64)
SEED = [7, 11]


def test_random_frames_is_floor_of_u_times_n():
    uniform = tf.random.stateless_uniform([6, 30], SEED).numpy()
    indices = random_frames(tf.constant(NUM_FRAMES), 30, SEED).numpy()
    np.testing.assert_array_equal(indices, np.floor(uniform * NUM_FRAMES[:, None]))


def test_random_sequence_is_one_run():
    uniform = tf.random.stateless_uniform([6, 1], SEED).numpy()
    start = np.floor(uniform * (np.maximum(NUM_FRAMES - 30, 0) + 1)[:, None])
    expected = np.minimum(start + np.arange(30), np.maximum(NUM_FRAMES - 1, 0)[:, None])
    indices = random_sequence(tf.constant(NUM_FRAMES), 30, SEED).numpy()
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(indices[2, :5], [0, 1, 2, 3, 3])


@pytest.mark.parametrize("sample", [random_frames, random_sequence])
def test_every_frame_is_drawn_and_none_outside(sample):
    drawn = np.concatenate(
        [sample(tf.fill([500], tf.constant(9, tf.int64)), 3, [0, i]).numpy() for i in range(4)]
    )
    assert set(np.unique(drawn)) == set(range(9))


def test_random_sequence_reaches_first_and_last_start():
    starts = random_sequence(tf.fill([500], tf.constant(5, tf.int64)), 3, SEED).numpy()[:, 0]
    assert set(np.unique(starts)) == {0, 1, 2}


@pytest.mark.parametrize("sample", [random_frames, random_sequence])
def test_seed_decides(sample):
    count = tf.fill([8], tf.constant(200, tf.int64))
    first = sample(count, 4, [1, 2]).numpy()
    np.testing.assert_array_equal(first, sample(count, 4, [1, 2]).numpy())
    assert (first != sample(count, 4, [1, 3]).numpy()).any()
