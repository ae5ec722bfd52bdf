"""Tests of yt8m_models.annotation: block PCA and the annotation model."""

import keras
import numpy as np
import pytest

from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.models.block_pca import BlockPCA


def block_pca(sizes, components, seed=0):
    """A layer with random weights."""
    layer = BlockPCA(sizes, components)
    layer.build((None, sum(sizes)))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    return layer


@pytest.mark.parametrize(
    ("sizes", "components"), [((5,), (3,)), ((5, 2), (3, 2)), ((4, 3, 6), (1, 3, 2))]
)
def test_block_pca_is_equation_7(sizes, components):
    layer = block_pca(sizes, components)
    inputs = np.random.default_rng(1).normal(size=(6, sum(sizes))).astype(np.float32)
    expected, first = [], 0
    for index, size in enumerate(sizes):
        part = inputs[:, first : first + size] - layer.means[index].numpy()
        projected = part @ layer.projections[index].numpy().T
        expected.append(projected / np.linalg.norm(projected, axis=1, keepdims=True))
        first += size
    received = keras.ops.convert_to_numpy(layer(inputs))
    np.testing.assert_allclose(received, np.concatenate(expected, axis=1), atol=1e-5)


def test_the_mean_itself_gives_zeros_and_no_nan():
    layer = block_pca((5, 2), (3, 2))
    assert [weight.name for weight in layer.weights] == [
        *("mean_0", "mean_1"),
        *("projection_0", "projection_1"),
    ]
    means = np.concatenate([mean.numpy() for mean in layer.means])[None]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(means)), np.zeros((1, 5)))


def test_block_pca_survives_its_config():
    layer = BlockPCA([5, 2], [3, 1], name="pca")
    copy = BlockPCA.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.sizes, copy.components) == ((5, 2), (3, 1))
    assert layer.compute_output_spec(keras.KerasTensor((None, 7))).shape == (None, 4)


@pytest.mark.parametrize(
    ("sizes", "components", "message"),
    [
        ((5, 2), (3,), "equally many entries, at least one"),
        ((), (), "equally many entries, at least one"),
        ((5, 2), (3, 3), r"at most the size of their feature; received \[3, 3\]"),
        ((5, 2), (0, 2), "components must be at least 1"),
    ],
)
def test_block_pca_refuses_what_does_not_fit(sizes, components, message):
    with pytest.raises(ValueError, match=message):
        BlockPCA(sizes, components)


def test_block_pca_refuses_inputs_of_another_width():
    with pytest.raises(ValueError, match=r"as wide as sizes=\(5, 2\) together, 7; received"):
        BlockPCA((5, 2), (3, 1))(np.zeros((2, 6), np.float32))


def test_the_annotation_model_is_saved_and_loaded(tmp_path):
    model = AnnotationModel((5, 2), (3, 2), num_classes=4, num_mixtures=3)
    model.build()
    # means 7, projections 15 + 4; gates 5 · 4 · 4, experts 5 · 3 · 4 + 3 · 4
    assert model.count_params() == 7 + 19 + 80 + 72
    features = np.random.default_rng(2).normal(size=(6, 7)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(model({"video_matrix": features}))
    assert expected.shape == (6, 4)
    projected = model.block_pca(features)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.classifier(projected)), expected)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    received = keras.ops.convert_to_numpy(copy({"video_matrix": features}))
    np.testing.assert_array_equal(received, expected)
    assert copy.num_mixtures == 3
