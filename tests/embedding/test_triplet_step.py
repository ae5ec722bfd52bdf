"""One step on triplets, against a slow reference on each triplet by itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import losses
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.training.step import TripletStep
from yt8m_models.training.optimizers import create_optimizer

MODEL = EmbeddingConfig(hidden_size=(6,), embedding_size=4, hidden_activation="tanh")
NAMES, SIZES, RATE = ("rgb", "audio"), (5, 3), 0.1


def created():
    keras.utils.set_random_seed(0)
    model = create_embedding_model(MODEL, NAMES, SIZES)
    optimizer = create_optimizer("SGD", RATE)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def example():
    """Seven videos and an empty one, in five triplets."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(8, 8)).astype(np.float32)
    features[7] = 0
    excluded = np.zeros((5, 5), bool)
    excluded[[0, 1, 1, 2], [1, 0, 2, 4]] = True
    excluded[4] = True  # this anchor has no negative in the batch
    return {
        "video_matrix": features,
        "anchors": np.array([0, 1, 1, 2, 3], np.int32),
        "positives": np.array([1, 0, 2, 4, 0], np.int32),
        "negatives": np.array([5, 6, 5, 3, 6], np.int32),
        "excluded": excluded,
    }


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", losses.TRIPLET_NAMES)
def test_a_step_is_that_of_the_triplets_written_out(name, jit_compile):
    batch = example()
    model, optimizer = created()
    weights = model.get_weights()
    loss = losses.get_triplet(name, 0.3)
    seed = keras.random.SeedGenerator(0)
    step = TripletStep(model, optimizer, loss, "hardest", seed, 0.0, jit_compile=jit_compile)
    outputs = step(batch)

    reference, _ = created()
    reference.set_weights(weights)
    # hardest negatives by a loop over the embeddings, each triplet's videos embedded for itself
    embeddings = reference({"video_matrix": batch["video_matrix"]}).numpy().astype(np.float64)
    hardest = []
    for row, anchor in enumerate(batch["anchors"]):
        distances = [
            np.square(embeddings[anchor] - embeddings[negative]).sum()
            if not batch["excluded"][row, column]
            else np.inf
            for column, negative in enumerate(batch["negatives"])
        ]
        hardest.append(batch["negatives"][int(np.argmin(distances))])
    with tf.GradientTape() as tape:
        anchors, positives, negatives = (
            reference({"video_matrix": batch["video_matrix"][rows[:4]]}, training=True)
            for rows in (batch["anchors"], batch["positives"], np.array(hardest))
        )
        near = tf.reduce_sum((anchors - positives) ** 2, axis=1)
        far = tf.reduce_sum((anchors - negatives) ** 2, axis=1)
        value = loss(near, far)
    gradients = tape.gradient(value, [weight.value for weight in reference.trainable_variables])
    for after, before, gradient in zip(
        model.trainable_variables, reference.trainable_variables, gradients, strict=True
    ):
        expected = before.numpy() - RATE * gradient.numpy()
        np.testing.assert_allclose(after.numpy(), expected, atol=1e-6)
    assert float(outputs.loss) == pytest.approx(float(value), rel=1e-5)
    assert float(outputs.positive_distance) == pytest.approx(np.mean(near), rel=1e-5)
    assert float(outputs.negative_distance) == pytest.approx(np.mean(far), rel=1e-5)
    assert float(outputs.violations) == np.mean(far.numpy() <= near.numpy())
    assert float(outputs.without_negative) == pytest.approx(1 / 5)
    assert bool(outputs.is_finite)


def test_a_step_that_is_not_finite_changes_nothing():
    batch = example()
    batch["video_matrix"][2, 0] = np.nan
    model, optimizer = created()
    before = model.get_weights()
    loss = losses.get_triplet("TripletHingeLoss", 0.3)
    step = TripletStep(model, optimizer, loss, "none", keras.random.SeedGenerator(0))
    assert not bool(step(batch).is_finite)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
