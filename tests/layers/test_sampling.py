"""Frame sampling: which frames are taken, how often, and from short and empty videos."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import SampleRandomFrames, SampleRandomSequence

BATCH, FRAMES, SAMPLES = 400, 12, 5


def positions(layer, num_frames, to_numpy):
    """Which frame each sample is: frames are numbered by their only feature."""
    frames = np.broadcast_to(np.arange(FRAMES)[None, :, None], (len(num_frames), FRAMES, 1))
    return to_numpy(layer(frames.astype("float32"), num_frames=num_frames))[..., 0]


def test_random_frames_are_uniform_with_replacement(to_numpy):
    taken = positions(SampleRandomFrames(SAMPLES, seed=1), np.full(BATCH, 8), to_numpy)
    assert taken.shape == (BATCH, SAMPLES)
    share = np.bincount(taken.ravel().astype(int), minlength=FRAMES) / taken.size
    # 2,000 draws: the standard deviation of a share of 1/8 is sqrt(1/8 · 7/8 / 2000) = 0.0074.
    np.testing.assert_allclose(share[:8], 1 / 8, atol=4 * 0.0074)
    assert share[8:].sum() == 0
    with_repeats = [len(set(row)) < SAMPLES for row in taken]
    # P(all five differ) = 8·7·6·5·4 / 8^5 = 0.205.
    assert 0.7 < np.mean(with_repeats) < 0.88


def test_random_sequence_is_a_run_inside_the_video(to_numpy):
    taken = positions(SampleRandomSequence(SAMPLES, seed=1), np.full(BATCH, 8), to_numpy)
    np.testing.assert_array_equal(np.diff(taken, axis=1), 1)
    starts = np.bincount(taken[:, 0].astype(int))
    # Starts 0..3, each with probability 1/4: 400 draws have a standard deviation of 8.7.
    assert len(starts) == 4
    np.testing.assert_allclose(starts, BATCH / 4, atol=4 * 8.7)


def test_random_sequence_repeats_the_last_frame_of_a_short_video(to_numpy):
    taken = positions(SampleRandomSequence(SAMPLES, seed=1), np.array([3, 1]), to_numpy)
    np.testing.assert_array_equal(taken, [[0, 1, 2, 2, 2], [0, 0, 0, 0, 0]])


@pytest.mark.parametrize("layer", [SampleRandomFrames, SampleRandomSequence])
def test_videos_without_frames_give_the_padding(layer, to_numpy):
    taken = positions(layer(SAMPLES, seed=1), np.array([0, 0]), to_numpy)
    np.testing.assert_array_equal(taken, np.zeros((2, SAMPLES)))


@pytest.mark.parametrize("layer", [SampleRandomFrames, SampleRandomSequence])
def test_half_precision_leaves_frames_as_they_are(layer, to_numpy):
    frames = np.full((2, 3, 1), 1 + 2**-20, "float32")
    sampled = layer(SAMPLES, dtype="mixed_bfloat16")(frames, num_frames=np.array([3, 1]))
    np.testing.assert_array_equal(to_numpy(sampled), np.full((2, SAMPLES, 1), 1 + 2**-20))


@pytest.mark.parametrize("layer", [SampleRandomFrames, SampleRandomSequence])
def test_the_largest_draws_stay_inside_the_video(layer, to_numpy, monkeypatch):
    largest = np.nextafter(np.float32(1), np.float32(0))
    monkeypatch.setattr(keras.random, "uniform", lambda shape, **_: ops.full(shape, largest))
    taken = positions(layer(1), np.arange(1, FRAMES + 1), to_numpy)
    np.testing.assert_array_equal(taken[:, 0], np.arange(FRAMES))


@pytest.mark.parametrize("layer", [SampleRandomFrames, SampleRandomSequence])
def test_seeds(layer, to_numpy):
    num_frames = np.full(20, FRAMES)
    first, second, other = (
        positions(layer(SAMPLES, seed=seed), num_frames, to_numpy) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("layer", [SampleRandomFrames, SampleRandomSequence])
def test_no_samples(layer):
    with pytest.raises(ValueError, match="num_samples must be at least 1; received 0"):
        layer(0)
