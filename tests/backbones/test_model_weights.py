"""Tests of `yt8m_models.backbones.model_weights`."""

import keras
import numpy as np
import pytest

from yt8m_models.backbones.model_weights import load_weights, random_kernel, weights_hash


def _model(filters=3, name="small"):
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 3)),
            keras.layers.Conv2D(filters, 3),
            keras.layers.BatchNormalization(),
            keras.layers.DepthwiseConv2D(3),
            keras.layers.Dense(4),
        ],
        name=name,
    )


@pytest.fixture(scope="module")
def trained():
    model = _model()
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(rng.uniform(1, 2, weight.shape))
    return model


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras", "a.h5", "a.npz"])
def test_weights_come_from_every_kind_of_file(trained, tmp_path, name):
    path = str(tmp_path / name)
    if name.endswith(".npz"):
        np.savez(path, *trained.get_weights())
    elif name.endswith(".weights.h5"):
        trained.save_weights(path)
    else:
        trained.save(path)
    model = _model()
    load_weights(model, path)
    for weight, expected in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_random_weights_are_of_their_seed():
    first, same, other = _model(), _model(), _model()
    load_weights(first, "random:1")
    load_weights(same, "random:1")
    load_weights(other, "random:2")
    kernels = [weight for weight in first.weights if len(weight.shape) > 1]
    assert len(kernels) == 3
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    assert weights_hash(first.get_weights()) == weights_hash(same.get_weights())
    assert all(keras.ops.std(kernel) > 0.1 for kernel in kernels)


def test_random_kernels_keep_the_deviation_of_what_passes():
    """He: the variance is 2 / fan-in, which is 9 x 16, or 9 where each channel has its own."""
    kernel = random_kernel("random:1", "a", (3, 3, 16, 500))
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel.std(), np.sqrt(2 / 144), rtol=0.02)
    np.testing.assert_allclose(
        random_kernel("random:1", "a", (3, 3, 5000, 1)).std(), np.sqrt(2 / 9), rtol=0.02
    )
    assert not np.array_equal(kernel, random_kernel("random:1", "b", kernel.shape))


def test_the_hash_is_of_values_shapes_and_order():
    arrays = [np.arange(6.0), np.ones((2, 3))]
    digest = weights_hash(arrays)
    assert len(digest) == 16
    assert weights_hash([array.astype(np.float32) for array in arrays]) == digest
    others = [
        *([arrays[0], np.ones((3, 2))], arrays[::-1], arrays[:1]),
        [arrays[0], arrays[1] * np.float32(1 + 1e-6)],
    ]
    assert len({digest, *map(weights_hash, others)}) == 5


def _error(path, model=None):
    with pytest.raises(ValueError, match=r"npz|weights") as error:
        load_weights(model or _model(), str(path))
    return str(error.value)


def test_errors_of_archives(trained, tmp_path):
    path = tmp_path / "a.npz"
    assert f"there is no file {path}" in _error(path)
    first, *others = trained.get_weights()
    np.savez(path, first, *others[:-1])
    arrays = "the arrays arr_0 to arr_9, the weights of small in order; it has 9 arrays"
    assert f"a.npz must have {arrays}" in _error(path)
    np.savez(path, first[:2], *others)
    error = _error(path)
    assert "a.npz: arr_0 must have the shape (3, 3, 3, 3) of " in error
    assert "/kernel of small; its shape is (2, 3, 3, 3)" in error
    path.write_text("no")
    assert "a.npz cannot be read" in _error(path)


def test_errors_of_files_of_keras(trained, tmp_path):
    path = tmp_path / "a.weights.h5"
    beginning = "a.weights.h5 has not the weights of small: "
    path.write_text("no")
    assert beginning in _error(path)
    trained.save_weights(path)
    _, found, reason = _error(path, _model(filters=5)).partition(beginning)
    assert found
    assert "shape" in reason
    keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    assert beginning in _error(path)


def test_weights_that_a_file_has_not_are_missed(tmp_path):
    """Keras itself would leave the second layer's as they were, with a warning at most."""
    path = tmp_path / "a.weights.h5"
    layer = keras.layers.Dense(3, name="first")
    keras.Sequential([keras.layers.Input((3,)), layer]).save_weights(path)
    layers = [keras.layers.Dense(3, name="first"), keras.layers.PReLU(name="second")]
    model = keras.Sequential([keras.layers.Input((3,)), *layers], name="longer")
    assert "a.weights.h5 has not the weights of longer: " in _error(path, model)


def test_errors_of_names(tmp_path):
    path = tmp_path / "weights.txt"
    path.write_text("no")
    suffixes = "weights must be a file .weights.h5, .keras, .h5 or .npz"
    assert f"{suffixes}; received {path}" in _error(path)
    seed = "random weights are random:SEED, SEED a whole number; received random:x"
    assert seed in _error("random:x")
