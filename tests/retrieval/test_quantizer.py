"""Lloyd–Max values, packed codes and look-up scores, against slow references."""

import statistics

import numpy as np
import pytest

from yt8m_models.retrieval.lloyd_max import count_below, lloyd_max
from yt8m_models.retrieval.quantizer import ScalarQuantizer, sample_rows


def _best_error(samples, num_values):
    """The least squared error of K values, by dynamic programming: exact 1-D k-means."""
    samples = np.sort(samples.astype(np.float64))
    sums = np.append(0, np.cumsum(samples))
    squares = np.append(0, np.cumsum(samples**2))

    def cost(first, end):  # of one value for samples first to end - 1
        return squares[end] - squares[first] - (sums[end] - sums[first]) ** 2 / (end - first)

    best = np.append(0, np.full(len(samples), np.inf))
    for _ in range(num_values):
        best = np.array(
            [0] + [(best[:end] + cost(np.arange(end), end)).min() for end in range(1, len(best))]
        )
    return best[-1]


def _lloyd_error(samples, num_values, iterations=2000):
    """The squared error after Lloyd's iteration as in the textbook, from quantiles."""
    samples = samples.astype(np.float64)
    values = np.quantile(samples, (np.arange(num_values) + 0.5) / num_values)
    for _ in range(iterations):
        nearest = np.abs(samples[:, None] - values).argmin(axis=1)
        moved = np.array([samples[nearest == value].mean() for value in range(num_values)])
        if np.array_equal(moved, values):
            break
        values = moved
    return _error(samples, values)


def _error(samples, values):
    return ((samples[:, None].astype(np.float64) - values) ** 2).min(axis=1).sum()


def _samples(kind, count, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "two humps":
        humps = rng.normal(-4, 1, count), rng.normal(2, 0.3, count)
        return np.where(rng.random(count) < 0.5, *humps).astype(np.float32)
    values = {"normal": rng.normal, "laplace": rng.laplace}[kind](size=count)
    return values.astype(np.float32)


@pytest.mark.parametrize("kind", ["normal", "laplace", "two humps"])
def test_two_bits_reach_the_optimum(kind):
    samples = np.stack([_samples(kind, 300, seed) for seed in range(4)], axis=1)
    values = lloyd_max(samples, 4)
    errors = [_error(column, row) for column, row in zip(samples.T, values, strict=True)]
    best = [_best_error(column, 4) for column in samples.T]
    assert np.all(np.array(errors) >= np.array(best) * (1 - 1e-6))
    assert sum(errors) <= 1.01 * sum(best)


@pytest.mark.parametrize("kind", ["normal", "laplace", "two humps"])
@pytest.mark.parametrize("num_values", [4, 16])
def test_error_equals_that_of_lloyds_iteration_or_is_less(kind, num_values):
    samples = _samples(kind, 20_000)
    received = _error(samples, lloyd_max(samples[:, None], num_values)[0])
    assert received <= 1.003 * _lloyd_error(samples, num_values, iterations=150)


def test_values_are_a_fixed_point():
    """Each value is the mean of the samples that are nearest to it."""
    samples = _samples("normal", 5000)
    values = lloyd_max(samples[:, None], 16)[0]
    nearest = np.abs(samples[:, None] - values).argmin(axis=1)
    means = [samples[nearest == value].mean() for value in range(16)]
    np.testing.assert_allclose(values, means, atol=2e-3)


def test_normal_distribution_as_published():
    """Max, Quantizing for minimum distortion (1960), table I: N = 4 and N = 16."""
    places = (np.arange(200_000) + 0.5) / 200_000
    samples = np.array([statistics.NormalDist().inv_cdf(place) for place in places], np.float32)
    expected = {
        4: ([0.4528, 1.510], 0.1175),
        16: ([0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733], 0.009497),
    }
    for num_values, (positive, error) in expected.items():
        values = lloyd_max(samples[:, None], num_values)[0]
        np.testing.assert_allclose(values[num_values // 2 :], positive, atol=4e-3)
        np.testing.assert_allclose(values[: num_values // 2], -np.array(positive)[::-1], atol=4e-3)
        assert _error(samples, values) / len(samples) == pytest.approx(error, rel=2e-3)


def test_256_values_of_a_normal_distribution():
    """For many values the error goes to √3 π / 2 / K² (Panter and Dite): 4.15e-5 for K = 256."""
    samples = _samples("normal", 60_000)
    values = lloyd_max(samples[:, None], 256)[0]
    fresh = _samples("normal", 60_000, seed=1)
    middles = (values[1:] + values[:-1]) / 2
    error = ((fresh - values[np.searchsorted(middles, fresh)]) ** 2).mean()
    assert error == pytest.approx(np.sqrt(3) * np.pi / 2 / 256**2, rel=0.15)


def test_few_distinct_samples_are_kept_exactly():
    samples = np.array([[0, 1], [0, 1], [5, 1], [-2, 1]], np.float32)
    values = lloyd_max(samples, 4)
    np.testing.assert_array_equal(values, [[-2, 0, 5, 5], [1, 1, 1, 1]])
    quantizer = ScalarQuantizer.fit(samples, 2)
    np.testing.assert_array_equal(quantizer.decode(quantizer.encode(samples)), samples)


def test_many_equal_samples_do_not_stop_it():
    rng = np.random.default_rng(0)
    samples = np.maximum(rng.normal(size=2000), 0).astype(np.float32)
    values = lloyd_max(samples[:, None], 16)[0]
    assert np.isfinite(values).all()
    assert _error(samples, values) <= 1.1 * _best_error(samples[:600], 16) * 2000 / 600


def test_count_below():
    ordered = np.array([[1.0, 2, 2, 3], [0, 0, 0, 0]])
    limits = np.array([[0.5, 2, 2.5, 9], [0, -1, 1, 0]])
    np.testing.assert_array_equal(count_below(ordered, limits), [[0, 1, 3, 4], [0, 0, 4, 0]])


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("size", [1, 3, 8, 13])
def test_codes_stand_for_the_nearest_values(bits, size):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, size)).astype(np.float32)
    quantizer = ScalarQuantizer.fit(vectors, bits)
    codes = quantizer.encode(vectors)
    assert codes.dtype == np.uint8
    assert codes.shape == (400, quantizer.code_size) == (400, -(-size * bits // 8))
    decoded = quantizer.decode(codes)
    assert decoded.dtype == np.float32
    assert decoded.shape == vectors.shape
    nearest = np.abs(vectors[:, :, None] - quantizer.values).argmin(axis=2)
    expected = np.take_along_axis(quantizer.values.T, nearest, axis=0)
    np.testing.assert_allclose(np.abs(vectors - decoded), np.abs(vectors - expected), atol=1e-6)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_values_of_bytes_are_what_is_decoded(bits):
    vectors = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    quantizer = ScalarQuantizer.fit(vectors, bits)
    codes = quantizer.encode(vectors)
    values = quantizer.values_of_bits(8)
    assert values.shape == (quantizer.code_size, 256, 8 // bits)
    looked_up = values[np.arange(quantizer.code_size), codes].reshape(50, -1)[:, :7]
    np.testing.assert_array_equal(looked_up, quantizer.decode(codes))


def test_packing_by_hand():
    """Two bits: codes 3, 0, 2, 1 and 2 are the bytes 3 + 0·4 + 2·16 + 1·64 = 99 and 2."""
    quantizer = ScalarQuantizer(np.tile([0.0, 1, 2, 3], (5, 1)))
    np.testing.assert_array_equal(quantizer.encode(np.array([[3.0, 0, 2, 1, 2]])), [[99, 2]])
    quantizer = ScalarQuantizer(np.tile(np.arange(16.0), (3, 1)))
    # four bits: 15 + 16·1 and 7
    np.testing.assert_array_equal(quantizer.encode(np.array([[20.0, 1.4, 6.6]])), [[31, 7]])


def test_256_dimensions_at_4_bits_take_128_bytes():
    values = np.tile(np.arange(16.0), (256, 1))
    assert ScalarQuantizer(values).code_size == 128
    assert ScalarQuantizer(values[:, :4]).code_size == 64


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_it_is_a_product_quantizer_with_one_dimension_a_part(bits):
    """FAISS has the same codes and vectors with these values."""
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(500, 8)).astype(np.float32)
    ours = ScalarQuantizer.fit(vectors, bits)
    theirs = faiss.ProductQuantizer(8, 8, bits)
    faiss.copy_array_to_vector(ours.values.ravel(), theirs.centroids)
    codes = ours.encode(vectors)
    np.testing.assert_array_equal(theirs.decode(codes), ours.decode(codes))
    np.testing.assert_array_equal(theirs.decode(theirs.compute_codes(vectors)), ours.decode(codes))


def test_error_is_no_more_than_that_of_a_trained_product_quantizer():
    faiss = pytest.importorskip("faiss")
    vectors = np.random.default_rng(3).normal(size=(1000, 4)).astype(np.float32)
    theirs = faiss.ProductQuantizer(4, 4, 4)
    theirs.train(vectors)
    their_error = ((theirs.decode(theirs.compute_codes(vectors)) - vectors) ** 2).sum()
    ours = ScalarQuantizer.fit(vectors, 4)
    assert ((ours.decode(ours.encode(vectors)) - vectors) ** 2).sum() <= their_error * 1.001


def test_sample_of_large_tables():
    np.testing.assert_array_equal(sample_rows(5), np.arange(5))
    rows = sample_rows(100_000, seed=3)
    assert len(rows) == 65_536
    assert np.all(np.diff(rows) > 0)
    np.testing.assert_array_equal(rows, sample_rows(100_000, seed=3))


@pytest.mark.parametrize(
    ("vectors", "bits", "message"),
    [
        (np.zeros((3, 2)), 3, "bits must be 2, 4 or 8; received 3"),
        (np.zeros((0, 2)), 4, r"vectors must have the shape \(n, d\)"),
        (np.array([[0.0, np.nan]]), 4, "vectors must be finite"),
    ],
)
def test_refuses_bad_input(vectors, bits, message):
    with pytest.raises(ValueError, match=message):
        ScalarQuantizer.fit(vectors, bits)


def test_refuses_bad_values_and_sizes():
    with pytest.raises(ValueError, match=r"\(d, 256\); received \(2, 5\)"):
        ScalarQuantizer(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="rise"):
        ScalarQuantizer(np.array([[0.0, 2, 1, 3]]))
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        ScalarQuantizer(np.tile(np.arange(4.0), (2, 1))).encode(np.zeros((1, 3)))
