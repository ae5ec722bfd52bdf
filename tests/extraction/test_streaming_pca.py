"""Tests of yt8m_models.extraction.streaming_pca."""

import numpy as np
import pytest

from yt8m_models.extraction.streaming_pca import StreamingPCA


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


def test_the_total_variance_is_that_of_all_components():
    data = correlated(2, mean=5.0)
    pca = fitted(data)
    np.testing.assert_allclose(pca.total_variance, data.var(axis=0).sum(), rtol=1e-12)
    np.testing.assert_allclose(pca.total_variance, pca.components(6).variances.sum(), rtol=1e-12)
    assert StreamingPCA(3).total_variance == 0.0


def test_a_state_goes_on_where_it_was():
    data = correlated(3, mean=5.0)
    first, second = data[:150], data[150:]
    pca = StreamingPCA(6)
    pca.add(first)
    resumed = StreamingPCA.from_state({name: array.copy() for name, array in pca.state().items()})
    for each in (pca, resumed):
        each.add(second)
    for expected, received in zip(pca.components(4), resumed.components(4), strict=True):
        np.testing.assert_array_equal(received, expected)
