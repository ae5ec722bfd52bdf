"""Tests of yt8m_models.training.step, against gradients worked out by hand."""

import itertools
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

import losses
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.layers import BatchNormalization
from yt8m_models.models import create_model
from yt8m_models.training.clipping import clip_gradients
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.precision import LossScale
from yt8m_models.training.step import TrainStep


class Linear(keras.Model):
    """Predictions x · kernel, with `scale` as a second variable that multiplies them."""

    def __init__(self, kernel, l2=0.0):
        super().__init__()
        regularizer = keras.regularizers.L2(l2) if l2 else None
        initializer = keras.initializers.Constant(kernel)
        self.kernel = self.add_weight(
            shape=np.shape(kernel), initializer=initializer, regularizer=regularizer, name="kernel"
        )
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, inputs, training=False):
        return self.scale * keras.ops.matmul(inputs["video_matrix"], self.kernel)


class SquaredError(keras.losses.Loss):
    """Half the squared error, summed over classes, averaged over videos."""

    def call(self, y_true, y_pred):
        return 0.5 * keras.ops.sum(keras.ops.square(y_pred - y_true), axis=-1)


class SquareRoot(keras.losses.Loss):
    """A loss that is 0 at predictions of 0, where its gradient is infinite."""

    def call(self, y_true, y_pred):
        return keras.ops.sum(keras.ops.sqrt(y_pred), axis=-1)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype(np.float32)
Y = RNG.normal(size=(4, 2)).astype(np.float32)
KERNEL = RNG.normal(size=(3, 2)).astype(np.float32)
BATCH = {
    "video_matrix": tf.constant(X),
    "num_frames": tf.ones(4, tf.int32),
    "labels": tf.constant(Y),
}


def gradients(kernel=KERNEL, l2=0.0):
    """By hand: d/dW = Xᵀ(XW - Y)/B + 2·l2·W and d/ds = Σ (XW - Y)·XW / B, at s = 1."""
    error = X @ kernel - Y
    return X.T @ error / 4 + 2 * l2 * kernel, np.sum(error * (X @ kernel)) / 4


def run(l2=0.0, **options):
    model = Linear(KERNEL, l2)
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    outputs = TrainStep(model, optimizer, SquaredError(), **options)(BATCH)
    return outputs, KERNEL - model.kernel.numpy(), 1 - model.scale.numpy()


def in_pieces(*bounds):
    return [
        {name: value[start:end] for name, value in BATCH.items()}
        for start, end in itertools.pairwise((0, *bounds, 4))
    ]


def clip(gradient, limit):
    return gradient * min(1.0, limit / np.linalg.norm(gradient))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_step_without_clipping(jit_compile):
    outputs, kernel, scale = run(clip_gradient_norm=0.0, jit_compile=jit_compile)
    expected_kernel, expected_scale = gradients()
    np.testing.assert_allclose(kernel, expected_kernel, rtol=1e-4)
    np.testing.assert_allclose(scale, expected_scale, rtol=1e-4)
    np.testing.assert_allclose(outputs.predictions, X @ KERNEL, rtol=1e-5)
    loss = 0.5 * np.sum((X @ KERNEL - Y) ** 2) / 4
    assert float(outputs.label_loss) == pytest.approx(loss, rel=1e-5)
    assert float(outputs.regularization_loss) == 0.0
    assert bool(outputs.is_finite)


def test_each_variable_is_clipped_by_its_own_norm():
    _, kernel, scale = run(clip_gradient_norm=0.5)
    expected_kernel, expected_scale = gradients()
    assert np.linalg.norm(expected_kernel) > 0.5
    np.testing.assert_allclose(kernel, clip(expected_kernel, 0.5), rtol=1e-4)
    np.testing.assert_allclose(scale, clip(expected_scale, 0.5), rtol=1e-4)


def test_gradients_below_the_norm_stay():
    _, kernel, _ = run(clip_gradient_norm=1e3)
    np.testing.assert_allclose(kernel, gradients()[0], rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_each_value_is_clipped_by_itself(jit_compile):
    options = {"clip_gradient_norm": 0.5, "clip_mode": "value", "jit_compile": jit_compile}
    _, kernel, scale = run(**options)
    expected_kernel, expected_scale = gradients()
    assert np.any(expected_kernel > 0.5) or np.any(expected_kernel < -0.5)
    assert np.any(np.abs(expected_kernel) < 0.5)
    np.testing.assert_allclose(kernel, np.clip(expected_kernel, -0.5, 0.5), rtol=1e-4)
    np.testing.assert_allclose(scale, np.clip(expected_scale, -0.5, 0.5), rtol=1e-4)


def test_global_clipping():
    _, kernel, scale = run(clip_gradient_norm=0.5, clip_mode="global")
    expected = np.append(gradients()[0].ravel(), gradients()[1])
    np.testing.assert_allclose(np.append(kernel.ravel(), scale), clip(expected, 0.5), rtol=1e-4)


def test_the_penalty_weighs_the_models_own_losses():
    outputs, kernel, _ = run(l2=0.1, clip_gradient_norm=0.0, regularization_penalty=3.0)
    assert float(outputs.regularization_loss) == pytest.approx(0.1 * np.sum(KERNEL**2), rel=1e-5)
    np.testing.assert_allclose(kernel, gradients(l2=0.3)[0], rtol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_that_is_not_finite_says_so(value):
    model = Linear(np.full((3, 2), value))
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    assert not bool(TrainStep(model, optimizer, SquaredError())(BATCH).is_finite)


def test_label_weights_leave_pairs_out():
    weights = np.zeros((4, 2), np.float32)
    weights[0, 1] = 1
    batch = {
        **BATCH,
        "video_matrix": tf.constant(np.abs(X) / 10),
        "labels": tf.ones((4, 2), tf.bool),
        "label_weights": tf.constant(weights),
    }
    model = Linear(np.full((3, 2), 0.5))
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    outputs = TrainStep(model, optimizer, losses.get("CrossEntropyLoss"))(batch)
    prediction = np.abs(X[0]).sum() / 10 * 0.5
    assert float(outputs.label_loss) == pytest.approx(-np.log(prediction + 1e-5) / 4, rel=1e-4)


@pytest.mark.parametrize("bounds", [(3,), (1, 2)])
def test_a_batch_in_pieces_is_the_batch(bounds):
    """Their gradients are weighted by their videos and clipped together."""
    model = Linear(KERNEL, l2=0.1)
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    step = TrainStep(model, optimizer, SquaredError(), clip_gradient_norm=0.3)
    outputs = step(*in_pieces(*bounds))
    whole, kernel, scale = run(l2=0.1, clip_gradient_norm=0.3)
    np.testing.assert_allclose(KERNEL - model.kernel.numpy(), kernel, rtol=1e-4)
    np.testing.assert_allclose(1 - model.scale.numpy(), scale, rtol=1e-4)
    for value, expected in zip(outputs, whole, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


class Normalized(keras.Model):
    """Batch normalisation, and nothing else."""

    def __init__(self):
        super().__init__()
        self.normalization = BatchNormalization(0.9)
        self.normalization.build((None, 2))

    def call(self, inputs, training=False):
        return self.normalization(inputs["video_matrix"][:, :2], training=training)


def test_each_piece_of_a_batch_moves_the_statistics():
    """Of 1 and 3 videos; by `(0.9 m_1 + m_2) / 1.9` after two pieces."""
    model = Normalized()
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    TrainStep(model, optimizer, SquaredError())(*in_pieces(1))
    moving = model.normalization
    means, variances = (
        (0.9 * moments(X[:1, :2], axis=0) + moments(X[1:, :2], axis=0)) / 1.9
        for moments in (np.mean, np.var)
    )
    np.testing.assert_allclose(moving.moving_mean, means, rtol=1e-5)
    np.testing.assert_allclose(moving.moving_variance, variances, rtol=1e-5)
    np.testing.assert_allclose(moving.moving_weight, 1 - 0.9**2, rtol=1e-6)


def test_a_loss_scale_changes_nothing_but_the_range():
    outputs, kernel, scale = run(clip_gradient_norm=0.3, loss_scale=LossScale(1024.0))
    _, expected_kernel, expected_scale = run(clip_gradient_norm=0.3)
    np.testing.assert_allclose(kernel, expected_kernel, rtol=1e-5)
    np.testing.assert_allclose(scale, expected_scale, rtol=1e-5)
    assert bool(outputs.is_finite)


@pytest.mark.parametrize(("factor", "is_finite"), [(8.0, True), (1.5, False)])
def test_infinite_gradients_with_a_loss_scale(factor, is_finite):
    """They count as 0 and halve the scale; below 1 that is the end of it."""
    model = Linear(np.zeros((3, 2), np.float32))
    optimizer = create_optimizer("GradientDescentOptimizer", 1.0)
    optimizer.build(model.trainable_variables)
    loss_scale = LossScale(factor)
    step = TrainStep(model, optimizer, SquareRoot(), loss_scale=loss_scale)
    outputs = step({**BATCH, "video_matrix": tf.ones((4, 3))})
    assert bool(outputs.is_finite) == is_finite
    assert float(loss_scale.factor) == factor / 2
    np.testing.assert_array_equal(model.kernel.numpy(), 0.0)


@pytest.mark.parametrize(
    ("finite_steps", "is_finite", "expected"),
    [(5, True, (8.0, 6)), (1999, True, (16.0, 0)), (5, False, (4.0, 0))],
)
def test_loss_scale(finite_steps, is_finite, expected):
    scale = LossScale(8.0)
    scale.finite_steps.assign(finite_steps)
    scale.update(tf.constant(is_finite))
    assert (float(scale.factor), int(scale.finite_steps)) == expected


TWO_REPLICAS = """
    import keras, losses, tempfile
    import numpy as np, tensorflow as tf
    from yt8m_models.layers import BatchNormalization
    from yt8m_models.training.optimizers import create_optimizer
    from yt8m_models.training.step import TrainStep
    from yt8m_models.training.strategy import create_strategy, split_batch
    from yt8m_models.training.workers import Workers

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    rng = np.random.default_rng(0)
    batches = [
        {
            "video_matrix": tf.constant(rng.normal(size=(8, 5)), tf.float32),
            "num_frames": tf.ones(8, tf.int32),
            "labels": tf.constant(rng.random((8, 3)) < 0.5),
        }
        for _ in range(4)
    ]
"""
MIRRORED = """
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(4, kernel_regularizer="l2")
            self.top = keras.layers.Dense(3, "sigmoid")

        def call(self, inputs, training=False):
            return self.top(self.hidden(inputs["video_matrix"]))

    def train(name, num_pieces=1):
        strategy = create_strategy(name)
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = Model()
            model(batches[0])
            optimizer = create_optimizer("AdamOptimizer", 0.1)
            optimizer.build(model.trainable_variables)
        loss = losses.get("CrossEntropyLoss")
        step = TrainStep(model, optimizer, loss, clip_gradient_norm=0.3, strategy=strategy)
        values = []
        for batch in batches:
            outputs = step(*split_batch(batch, strategy, Workers(strategy), num_pieces))
            values.append([
                float(outputs.label_loss), float(outputs.regularization_loss),
                *outputs.predictions.numpy().ravel().tolist(), bool(outputs.is_finite),
            ])
        return strategy.num_replicas_in_sync, values

    (one, expected), (two, received) = train("default"), train("mirrored")
    assert (one, two) == (1, 2), (one, two)
    np.testing.assert_allclose(received, expected, rtol=2e-5, atol=1e-6)
    for _, in_pieces in (train("default", 3), train("mirrored", 3)):
        np.testing.assert_allclose(in_pieces, expected, rtol=2e-5, atol=1e-6)
"""
MIRRORED_STATISTICS = """
    class Normalized(keras.Model):
        def __init__(self):
            super().__init__()
            self.normalization = BatchNormalization(0.9)
            self.normalization.build((None, 3))

        def call(self, inputs, training=False):
            return tf.sigmoid(self.normalization(inputs["video_matrix"][:, :3], training=training))

    strategy = create_strategy("mirrored")
    with strategy.scope():
        model = Normalized()
        optimizer = create_optimizer("AdamOptimizer", 0.1)
        optimizer.build(model.trainable_variables)
    step = TrainStep(model, optimizer, losses.get("CrossEntropyLoss"), strategy=strategy)
    for batch in batches:
        step(*split_batch(batch, strategy, Workers(strategy), 1))
    weights = 0.9 ** np.arange(3, -1, -1)
    frames = np.stack([batch["video_matrix"].numpy()[:, :3] for batch in batches])
    halves = [np.average(half.mean(1), 0, weights) for half in (frames[:, :4], frames[:, 4:])]
    replicas = strategy.experimental_local_results(model.normalization.moving_mean.value)
    np.testing.assert_allclose(replicas, halves, rtol=1e-5)
    with tempfile.TemporaryDirectory() as directory:
        path = tf.train.Checkpoint(model=model).write(f"{directory}/checkpoint")
        saved = tf.train.load_checkpoint(path)
        mean, weight = (
            saved.get_tensor(f"model/normalization/{name}/.ATTRIBUTES/VARIABLE_VALUE")
            for name in ("moving_mean", "moving_weight")
        )
    np.testing.assert_allclose(mean, halves[0], rtol=1e-5)
    np.testing.assert_allclose(weight, 1 - 0.9**4, rtol=1e-6)
"""


def status_on_two_replicas(code):
    """0 where the assertions of the code held."""
    return subprocess.call([sys.executable, "-c", textwrap.dedent(TWO_REPLICAS + code)])


def test_two_mirrored_replicas_do_what_one_does_with_the_batch_of_both():
    assert status_on_two_replicas(MIRRORED) == 0


def test_each_replica_moves_its_own_statistics_and_the_first_are_saved():
    assert status_on_two_replicas(MIRRORED_STATISTICS) == 0


@pytest.mark.parametrize("shape", [(3072, 1024), (1031, 1033), (7, 3), ()])
def test_norms_of_large_and_small_gradients(shape):
    """The first is summed in three pieces; the sizes of the second, as large, are primes."""
    gradient = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    clip = tf.function(clip_gradients, jit_compile=True)
    (clipped,), is_finite = clip([tf.constant(gradient)], tf.zeros(()), 0.1, "per_variable")
    norm = np.sqrt(np.sum(np.square(gradient.astype(np.float64))))
    np.testing.assert_allclose(clipped, gradient * 0.1 / norm, rtol=1e-5)
    assert bool(is_finite)


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("FrameLevelLogisticModel"),
        pytest.param(
            ModelConfig("DSGMMModel", num_clusters=3, hidden_size=4), marks=pytest.mark.slow
        ),
    ],
)
def test_batches_of_other_sizes_and_lengths(config):
    data = DataConfig(("rgb", "audio"), (6, 2), num_classes=5, frame_features=True)
    model = create_model(config, data)
    optimizer = create_optimizer("AdamOptimizer", 0.01)
    optimizer.build(model.trainable_variables)
    step = TrainStep(model, optimizer, losses.CrossEntropyLoss())
    for num_videos, num_frames in ((4, 7), (4, 6), (3, 5), (4, 7)):
        batch = {
            "video_matrix": tf.ones((num_videos, num_frames, 8), tf.uint8),
            "num_frames": tf.fill([num_videos], num_frames),
            "labels": tf.ones((num_videos, 5), tf.bool),
        }
        outputs = step(batch)
        assert outputs.is_finite
        assert outputs.predictions.shape == (num_videos, 5)
