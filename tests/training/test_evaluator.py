"""Evaluating a model on what a pipeline reads, against the metrics of all videos at once."""

import numpy as np
import pytest
import tensorflow as tf

import losses
from eval import metrics
from yt8m_models.training.evaluator import Evaluator

NUM_CLASSES = 9
LOSS = losses.get("CrossEntropyLoss")


def mean_model(inputs, training):
    """The mean of the valid frames, scaled to probabilities."""
    assert training is False
    frames = tf.cast(inputs["video_matrix"], tf.float32) / 256
    mask = tf.sequence_mask(inputs["num_frames"], tf.shape(frames)[1], tf.float32)
    return tf.einsum("btd,bt->bd", frames, mask) / tf.reduce_sum(mask, 1, keepdims=True)


def make_batches(sizes, with_weights=False):
    """Batches of 9 features (and classes), each with another number of frames."""
    rng = np.random.default_rng(0)
    batches = []
    for number, size in enumerate(sizes):
        frames = 3 + number
        batch = {
            "video_ids": [b"id"] * size,
            "video_matrix": rng.integers(0, 256, (size, frames, NUM_CLASSES), np.uint8),
            "num_frames": rng.integers(1, frames + 1, size).astype(np.int32),
            "labels": rng.random((size, NUM_CLASSES)) < 0.3,
        }
        if with_weights:
            batch["label_weights"] = (rng.random((size, NUM_CLASSES)) < 0.6).astype(np.float32)
        batches.append({name: tf.constant(value) for name, value in batch.items()})
    return batches


def all_videos(batches):
    """Predictions, labels and weights of all batches, by NumPy."""
    predictions = []
    for batch in batches:
        for frames, count in zip(batch["video_matrix"].numpy(), batch["num_frames"], strict=True):
            predictions.append(frames[: int(count)].astype(np.float64).mean(axis=0) / 256)
    labels = np.concatenate([batch["labels"] for batch in batches])
    weights = np.ones(labels.shape)
    if "label_weights" in batches[0]:
        weights = np.concatenate([batch["label_weights"] for batch in batches])
    return np.array(predictions), labels, weights


@pytest.mark.parametrize("with_weights", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_metrics_and_loss_with_a_smaller_last_batch(with_weights, jit_compile):
    batches = make_batches((8, 8, 3), with_weights)
    result = Evaluator(mean_model, LOSS, NUM_CLASSES, 4, jit_compile).evaluate(batches)
    predictions, labels, weights = all_videos(batches)
    terms = labels * np.log(predictions + 1e-5) + (1 - labels) * np.log(1 - predictions + 1e-5)
    # The mean over the 19 videos, not over the 3 batches.
    np.testing.assert_allclose(result["loss"], -(terms * weights).sum() / 19, rtol=1e-5)
    given = {"label_weights": weights} if with_weights else {}
    arrays = (predictions.astype(np.float32), labels)
    assert result["num_videos"] == 19
    np.testing.assert_allclose(result["gap"], metrics.gap(*arrays, top_k=4, **given), rtol=1e-6)
    np.testing.assert_allclose(result["hit_at_one"], metrics.hit_at_one(*arrays, **given))
    np.testing.assert_allclose(result["perr"], metrics.perr(*arrays, **given), rtol=1e-6)
    assert result["positives"].tolist() == (labels & (weights > 0)).sum(axis=0).tolist()


def test_an_evaluator_is_traced_once_for_many_evaluations():
    traced = []

    def model(inputs, training):
        traced.append(inputs["video_matrix"].shape)
        return mean_model(inputs, training)

    evaluator = Evaluator(model, LOSS, NUM_CLASSES)
    first = evaluator.evaluate(make_batches((4, 4, 4, 2)))
    again = evaluator.evaluate(make_batches((4, 4, 4, 2)))
    assert len(traced) <= 3
    assert first["loss"] == again["loss"]


def test_no_videos():
    with pytest.raises(ValueError, match="no videos to evaluate"):
        Evaluator(mean_model, LOSS, NUM_CLASSES).evaluate([])


def test_an_error_in_the_metrics_reaches_the_caller():
    def model(inputs, training):
        return mean_model(inputs, training) * float("nan")

    with pytest.raises(ValueError, match="NaN"):
        Evaluator(model, LOSS, NUM_CLASSES).evaluate(make_batches((3, 3)))


def test_progress_is_shown(capsys):
    Evaluator(mean_model, LOSS, NUM_CLASSES).evaluate(make_batches((3, 2)), progress=True)
    assert "evaluation 5 videos" in capsys.readouterr().err


def test_videos_without_labels_are_said_once(warned):
    batches = make_batches((3, 2))
    for batch in batches:
        batch["labels"] = tf.zeros_like(batch["labels"])
    evaluator = Evaluator(mean_model, LOSS, NUM_CLASSES)
    for _ in range(2):
        evaluator.evaluate(batches)
    (message,) = warned()
    assert message.startswith("none of the 5 evaluated examples has a label: the loss and the metr")
    batches[1]["labels"] = make_batches((3, 2))[1]["labels"]  # one batch is enough
    Evaluator(mean_model, LOSS, NUM_CLASSES).evaluate(batches)
    assert warned() == []


@pytest.mark.parametrize("with_weights", [False, True])
def test_an_observer_is_given_each_batch_with_its_predictions(with_weights):
    batches = make_batches((8, 3), with_weights)
    seen = []
    evaluator = Evaluator(mean_model, LOSS, NUM_CLASSES)
    result = evaluator.evaluate(batches, observe=lambda *given: seen.append(given))
    assert result["gap"] == evaluator.evaluate(batches)["gap"]
    names = {"video_ids", "labels"} | ({"label_weights"} if with_weights else set())
    assert [set(batch) for batch, _ in seen] == [names] * 2
    for (batch, _), given in zip(seen, batches, strict=True):
        np.testing.assert_array_equal(batch["labels"], given["labels"])
    predictions, _, _ = all_videos(batches)
    np.testing.assert_allclose(np.concatenate([each for _, each in seen]), predictions, rtol=1e-6)
