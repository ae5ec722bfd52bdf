"""The compiled forward pass down to the best classes."""

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.prediction.predictor import Predictor, device_batch_size


def mean_model(inputs, training):
    """The mean of the valid frames as predictions: 6 classes from 6 features."""
    assert training is False
    frames = tf.cast(inputs["video_matrix"], tf.float32)
    mask = tf.sequence_mask(inputs["num_frames"], tf.shape(frames)[1], tf.float32)
    return tf.einsum("btd,bt->bd", frames, mask) / tf.reduce_sum(mask, 1, keepdims=True)


def batches(*shapes):
    rng = np.random.default_rng(0)
    for batch, frames in shapes:
        video_matrix = rng.integers(0, 256, (batch, frames, 6), np.uint8)
        yield video_matrix, rng.integers(1, frames + 1, batch).astype(np.int32)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("classes", [None, [1, 2, 5]])
def test_best_classes_against_a_loop(jit_compile, classes):
    allowed = np.arange(6) if classes is None else np.array(classes, np.int32)
    predictor = Predictor(
        mean_model, 4, None if classes is None else allowed, jit_compile=jit_compile
    )
    for video_matrix, num_frames in batches((5, 7), (5, 4), (3, 9)):
        best = predictor(tf.constant(video_matrix), tf.constant(num_frames))
        for row, (frames, count) in enumerate(zip(video_matrix, num_frames, strict=True)):
            scores = frames[:count].astype(np.float64).mean(axis=0)
            expected = sorted(allowed, key=lambda label: (-scores[label], label))[:4]
            assert best.classes[row].numpy().tolist() == expected
            np.testing.assert_allclose(best.scores[row], scores[expected], rtol=1e-6)
        assert best.is_finite.numpy().all()


def test_graphs_are_not_traced_for_every_shape():
    traced = []

    def model(inputs, training):
        traced.append(inputs["video_matrix"].shape)
        return tf.reduce_mean(tf.cast(inputs["video_matrix"], tf.float32), axis=1)

    predictor = Predictor(model, 2)
    for video_matrix, num_frames in batches(*((8, frames) for frames in range(3, 20)), (5, 4)):
        predictor(tf.constant(video_matrix), tf.constant(num_frames))
    assert len(traced) <= 3


def test_jit_pads_batches_to_powers_of_two():
    traced = []

    def model(inputs, training):
        traced.append(inputs["video_matrix"].shape[0])
        return tf.reduce_mean(tf.cast(inputs["video_matrix"], tf.float32), axis=1)

    predictor = Predictor(model, 2, jit_compile=True)
    for video_matrix, num_frames in batches(*((batch, 4) for batch in (5, 6, 7, 8))):
        assert len(predictor(tf.constant(video_matrix), tf.constant(num_frames)).classes) == len(
            video_matrix
        )
    assert traced == [8]


def test_predictions_that_are_not_numbers_are_marked():
    predictor = Predictor(lambda inputs, training: inputs["video_matrix"], 1)
    predictions = np.array([[0.5, 0.25], [np.nan, 0.5], [0.1, np.inf]], np.float32)
    best = predictor(tf.constant(predictions), tf.ones(3, tf.int32))
    assert best.is_finite.numpy().tolist() == [True, False, False]


def test_device_batch_size_is_bounded():
    video_level = DataConfig()
    frame_level = DataConfig(("rgb",), (1024,), frame_features=True)
    assert device_batch_size(8192, video_level) == 1024
    assert device_batch_size(8192, frame_level) == 128
    assert device_batch_size(3, frame_level) == 3
