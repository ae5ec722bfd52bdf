"""Dequantisation of 8-bit frames."""

import numpy as np
import tensorflow as tf

from yt8m_models.data.quantization import dequantize


def test_values():
    # 4 / 512 = 0.0078125: 0 -> -2 + 0.0078125; 255 -> 4 - 2 + 0.0078125; 51 -> 0.8 - 2 + 0.0078125.
    values = np.array([[0, 255, 51]], np.uint8)
    expected = [[-1.9921875, 2.0078125, -1.1921875]]
    np.testing.assert_allclose(dequantize(values), expected, rtol=1e-6)
    np.testing.assert_allclose(dequantize(tf.constant(values)), expected, rtol=1e-6)
    assert dequantize(values).dtype == np.float32
    assert dequantize(tf.constant(values)).dtype == tf.float32
