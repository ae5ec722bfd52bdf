"""Tests of yt8m_models.embedding: block PCA, streaming PCA and the annotation model."""

import keras
import numpy as np
import pytest

from yt8m_models.annotation.annotation_model import AnnotationModel
from yt8m_models.annotation.block_pca import BlockPCA
from yt8m_models.annotation.streaming_pca import StreamingPCA


def correlated(seed, rows=400, size=6, mean=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, size)) @ rng.normal(size=(size, size)) + mean


def fitted(data, batches=7):
    pca = StreamingPCA(data.shape[1])
    for batch in np.array_split(data, batches):
        pca.add(batch)
    return pca


def reference(data, number):
    """Mean, components and variances by numpy, signs by the largest entry."""
    values, vectors = np.linalg.eigh(np.cov(data.T, bias=True))
    rows = vectors[:, np.argsort(-values)].T[:number]
    signs = [np.sign(row[np.argmax(np.abs(row))]) for row in rows]
    return data.mean(axis=0), rows * np.array(signs)[:, None], np.sort(values)[::-1][:number]


@pytest.mark.parametrize("mean", [0.0, 1e6])
@pytest.mark.parametrize("batches", [1, 7, 400])
def test_streaming_pca_is_the_eigen_decomposition(mean, batches):
    data = correlated(0, mean=mean)
    received = fitted(data, batches).components(4)
    # About their mean, since 1e6 costs the reference digits as well.
    centre, projection, variances = reference(data - mean, 4)
    np.testing.assert_allclose(received.mean - mean, centre, atol=1e-9)
    np.testing.assert_allclose(received.projection, projection, atol=1e-8)
    np.testing.assert_allclose(received.variances, variances, rtol=1e-9)


def test_components_are_orthonormal_and_whitened_ones_vary_by_one():
    data = correlated(1)
    pca = fitted(data)
    projection = pca.components(6).projection
    np.testing.assert_allclose(projection @ projection.T, np.eye(6), atol=1e-12)
    whitened = pca.components(3, whiten=True)
    projected = (data - whitened.mean) @ whitened.projection.T
    np.testing.assert_allclose(np.cov(projected.T, bias=True), np.eye(3), atol=1e-9)


def test_streaming_pca_refuses_what_does_not_fit():
    pca = StreamingPCA(4)
    with pytest.raises(ValueError, match=r"rows must have the shape \(n, 4\); received \(2, 3\)"):
        pca.add(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="infinite or NaN"):
        pca.add(np.array([[1.0, 2.0, np.nan, 0.0]]))
    pca.add(np.eye(4)[:2])
    with pytest.raises(ValueError, match="3 components need at least 3 rows; received 2"):
        pca.components(3)
    with pytest.raises(ValueError, match="at most 4, the dimensions of the data; received 5"):
        pca.components(5)
    with pytest.raises(ValueError, match="varies in so many directions"):
        pca.components(2, whiten=True)  # two rows vary in one direction
    with pytest.raises(ValueError, match="size must be at least 1; received 0"):
        StreamingPCA(0)


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
