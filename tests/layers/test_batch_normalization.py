"""Batch normalisation against NumPy in float64: its outputs and its moving statistics."""

import keras
import numpy as np
import pytest
from keras import ops

from yt8m_models.layers import BatchNormalization
from yt8m_models.layers.batch_normalization import settle_moving_statistics


def moments(batch, mask=None):
    """Mean and variance over all places, or over the valid ones."""
    values = batch.reshape(-1, batch.shape[-1]) if mask is None else batch[mask]
    values = values.astype("float64")
    return np.stack([values.mean(axis=0), values.var(axis=0)])


def corrected(batches, decay):
    """The average of the batches' moments by `decay^(t - i)`, those weights summing to 1."""
    weights = decay ** np.arange(len(batches) - 1, -1, -1.0)
    return np.average([moments(*batch) for batch in batches], axis=0, weights=weights)


def moving(layer, to_numpy):
    return np.stack([to_numpy(layer.moving_mean), to_numpy(layer.moving_variance)])


def drifting(rng, steps, shape=(4, 5, 3)):
    """Batches whose mean and deviation change, some with a mask, the first of a single place."""
    batches = []
    for step in range(steps):
        batch = rng.normal(3 + 0.1 * step, 1 + 0.2 * step, shape).astype("float32")
        mask = rng.random(shape[:-1]) if len(shape) == 3 and step % 2 else None
        if mask is not None:
            mask = mask == mask.max() if step == 1 else mask < 0.6
        batches.append((batch, mask))
    return batches


@pytest.mark.parametrize("shape", [(4, 5, 3), (6, 2)])
@pytest.mark.parametrize("steps", [1, 2, 40])
@pytest.mark.parametrize("decay", [0.999, 0.9, 0.0])
def test_moving_statistics_are_the_corrected_average(decay, steps, shape, rng, to_numpy):
    layer = BatchNormalization(decay)
    batches = drifting(rng, steps, shape)
    for batch, mask in batches:
        layer(batch, mask=mask, training=True)
    np.testing.assert_allclose(moving(layer, to_numpy), corrected(batches, decay), rtol=1e-5)
    np.testing.assert_allclose(to_numpy(layer.moving_weight), 1 - decay**steps, rtol=1e-5)


def test_outputs(rng, to_numpy, assign):
    """By the batch's statistics in training, by the moving ones in inference."""
    layer = BatchNormalization(0.9, epsilon=0.01)
    layer.build((None, None, 3))
    gamma, beta = rng.uniform(0.5, 2, 3), rng.normal(size=3)
    assign(layer, gamma=gamma, beta=beta)
    batches = drifting(rng, 4)
    for batch, mask in batches:
        mean, variance = moments(batch, mask)
        expected = (batch - mean) / np.sqrt(variance + 0.01) * gamma + beta
        output = to_numpy(layer(batch, mask=mask, training=True))
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)
    mean, variance = corrected(batches, 0.9)
    expected = (batch - mean) / np.sqrt(variance + 0.01) * gamma + beta
    np.testing.assert_allclose(to_numpy(layer(batch)), expected, rtol=1e-4, atol=1e-5)


def test_settled_statistics_move_as_those_of_keras(rng, to_numpy, assign):
    values = {"moving_mean": rng.normal(size=3), "moving_variance": rng.uniform(0.5, 2, 3)}
    layer, other = BatchNormalization(0.9), keras.layers.BatchNormalization(momentum=0.9)
    for each in (layer, other):
        each.build((None, None, 3))
        assign(each, **values)
    assert settle_moving_statistics(layer.weights) == [layer.moving_weight]
    for batch, mask in drifting(rng, 4):
        output = layer(batch, mask=mask, training=True)
        expected = other(batch, mask=mask, training=True)
        np.testing.assert_allclose(to_numpy(output), to_numpy(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(moving(layer, to_numpy), moving(other, to_numpy), rtol=1e-5)
    assert to_numpy(layer.moving_weight) == 1


@pytest.mark.parametrize("steps", [0, 3])
def test_a_batch_without_valid_places_moves_nothing(steps, rng, to_numpy):
    layer = BatchNormalization(0.9)
    layer.build((None, None, 3))
    for batch, mask in drifting(rng, steps):
        layer(batch, mask=mask, training=True)
    before = moving(layer, to_numpy), to_numpy(layer.moving_weight)
    layer(np.full((4, 5, 3), 1e30, "float32"), mask=np.zeros((4, 5), bool), training=True)
    np.testing.assert_allclose(moving(layer, to_numpy), before[0], rtol=1e-6)
    assert to_numpy(layer.moving_weight) == before[1]


def test_padding_of_any_size_leaves_gradients_finite(rng, gradients):
    batch, mask = rng.normal(size=(4, 5, 3)).astype("float32"), np.arange(5) < np.ones((4, 1))
    batch[~mask] = 1e30
    layer = BatchNormalization()
    layer.build(batch.shape)
    weights = rng.normal(size=batch.shape) * mask[..., None]
    found = gradients(
        layer, lambda: ops.sum(ops.multiply(layer(batch, mask=mask, training=True), weights))
    )
    assert all(np.isfinite(gradient).all() for gradient in found)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_keeps_its_statistics_in_float32(policy, rng, to_numpy):
    """Squares of up to 40,000 overflow float16, and a rate of 0.001 vanishes in bfloat16."""
    layer = BatchNormalization(dtype=policy)
    batches = []
    for step in range(300):
        batch = ops.cast(rng.normal(100 + step / 3, 1, (8, 2)), layer.compute_dtype)
        batches.append((to_numpy(batch), None))
        layer(batch, training=True)
    np.testing.assert_allclose(moving(layer, to_numpy), corrected(batches, 0.999), rtol=1e-4)
    assert to_numpy(layer.moving_weight) == pytest.approx(1 - 0.999**300, rel=1e-5)


def test_the_weight_of_many_steps_stays_within_1(rng, to_numpy):
    layer = BatchNormalization(0.5)
    batch = rng.normal(size=(4, 2)).astype("float32")
    for _ in range(60):  # 0.5^60 is far below the precision of float32
        layer(batch, training=True)
    assert to_numpy(layer.moving_weight) == 1
    np.testing.assert_allclose(moving(layer, to_numpy), moments(batch), rtol=1e-5)


def test_a_frozen_layer_infers_and_does_not_move(rng, to_numpy):
    layer = BatchNormalization(trainable=False)
    batch = rng.normal(2, 3, (4, 2)).astype("float32")
    np.testing.assert_array_equal(to_numpy(layer(batch, training=True)), to_numpy(layer(batch)))
    np.testing.assert_array_equal(moving(layer, to_numpy), [[0, 0], [1, 1]])
    assert to_numpy(layer.moving_weight) == 0


def test_saved_layers_go_on_where_they_were(rng, to_numpy, tmp_path):
    batches = drifting(rng, 9, (6, 3))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, BatchNormalization()(inputs))
    for batch, _ in batches[:4]:
        model.layers[1](batch, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[1]
    for batch, _ in batches[4:]:
        loaded(batch, training=True)
    np.testing.assert_allclose(moving(loaded, to_numpy), corrected(batches, 0.999), rtol=1e-5)


@pytest.mark.parametrize("decay", [-0.1, 1.0, 1.5])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match=f"decay must be at least 0 and below 1; received {decay}"):
        BatchNormalization(decay)
