"""One step on triplets, against a slow reference on each triplet by itself."""

import subprocess
import sys
import textwrap

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


REPLICAS = """
    import sys
    import keras, losses, numpy as np, tensorflow as tf
    from yt8m_models.data.video_ids import VideoIds
    from yt8m_models.embedding.config import EmbeddingConfig
    from yt8m_models.embedding.create import create_embedding_model
    from yt8m_models.embedding.training.batches import TripletBatches
    from yt8m_models.embedding.training.step import TripletStep
    from yt8m_models.features.feature_table import FeatureTable
    from yt8m_models.graph.co_watch_graph import CoWatchGraph
    from yt8m_models.graph.triplet_sampler import TripletSampler
    from yt8m_models.training.optimizers import create_optimizer
    from yt8m_models.training.strategy import create_strategy

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    rng = np.random.default_rng(0)
    ids = VideoIds(np.array([b"v%03d" % row for row in range(60)]))
    edges = np.unique(np.sort(rng.integers(60, size=(300, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] < edges[:, 1]]
    weights = np.ones(len(edges), int)
    graph = CoWatchGraph.from_edges(ids, edges, weights, np.zeros(60, bool))
    features = rng.normal(size=(60, 8)).astype(np.float32)
    table = FeatureTable(ids, features, ("rgb", "audio"), (5, 3))
    config = EmbeddingConfig(hidden_size=(6,), embedding_size=4, hidden_activation="tanh")

    def train(strategy_name, mining):
        strategy = create_strategy(strategy_name)
        num = strategy.num_replicas_in_sync
        assert num == {"default": 1, "mirrored": 2}[strategy_name]
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = create_embedding_model(config, table.names, table.sizes)
            optimizer = create_optimizer("AdamOptimizer", 0.02)
            optimizer.build(model.trainable_variables)
            seed = keras.random.SeedGenerator(1)
        sampler = TripletSampler(graph, np.ones(60, bool), seed=2)
        batches = TripletBatches(sampler, table, np.arange(60), 33, 0, 3, num, range(num))
        loss = losses.get_triplet("TripletHingeLoss", 0.3)
        step = TripletStep(
            model, optimizer, loss, mining, seed, 0.05, strategy=strategy, jit_compile=jit_compile
        )
        outputs = []
        for parts in batches.steps(0, 2):
            for part in parts:
                numbers = part.get("first", 0) + np.arange(len(part["anchors"]))
                part["excluded"][numbers % 5 == 0] = True  # they have no negative
            outputs.append([float(value) for value in step(*parts)])
        return outputs, model.get_weights()

    jit_compile = sys.argv[1] == "compiled"
    for mining in sys.argv[2:]:
        expected, weights = train("default", mining)
        received, received_weights = train("mirrored", mining)
        assert expected[-1][4] > 0.05, expected
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6, err_msg=mining)
        for one, two in zip(weights, received_weights, strict=True):
            np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5, err_msg=mining)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("plain", "semi_hard", "hardest", "none", "random"),
        pytest.param(("compiled", "semi_hard", "random"), marks=pytest.mark.slow),
    ],
)
def test_two_replicas_mine_in_the_whole_batch_and_do_what_one_does(arguments):
    """Shares of 16 and 17 anchors, some without a negative; Adam makes much of small gradients."""
    code = textwrap.dedent(REPLICAS)
    assert subprocess.call([sys.executable, "-c", code, *arguments]) == 0
