"""Tests of yt8m_models.extraction.quantization."""

import numpy as np
import pytest

from yt8m_models.data.quantization import dequantize
from yt8m_models.extraction.quantization import num_clipped, quantize


def test_quantize_is_the_formula_of_the_extractor():
    features = np.array([[-7.0, -2.0, -1.99, 0.01], [1.0, 1.99, 2.0, 7.0]], np.float32)
    # (x + 2) · 63.75: 0.6375, 128.1375; 191.25, 254.3625
    expected = np.array([[0, 0, 1, 128], [191, 254, 255, 255]], np.uint8)
    received = quantize(features)
    assert received.dtype == np.uint8
    np.testing.assert_array_equal(received, expected)


def test_every_byte_survives_dequantising():
    every = np.arange(256, dtype=np.uint8).reshape(8, 32)
    np.testing.assert_array_equal(quantize(dequantize(every)), every)


def test_a_value_comes_back_at_most_a_step_too_great():
    features = np.linspace(-2, 2, 10_001, dtype=np.float32)
    errors = dequantize(quantize(features)) - features
    assert -1e-4 < errors.min() < errors.max() < 4 / 255
    assert abs(errors.mean() - 4 / 512) < 1e-5


def test_clipped_values_are_counted():
    features = np.array([[-2.1, -2.0, 0.0], [2.0, 2.5, np.inf]], np.float32)
    assert num_clipped(features) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_by_name(value):
    features = np.zeros((3, 4), np.float32)
    features[2, 1] = value
    with pytest.raises(
        ValueError, match=rf"rgb must be finite; .* \[2, 1\] of \[3, 4\] is {value}"
    ):
        quantize(features, "rgb")
