"""LiteRT files, by TensorFlow's converter."""

import tempfile
from pathlib import Path

import tensorflow as tf

from yt8m_models.export.saved_model import write_saved_model
from yt8m_models.export.signatures import Signature
from yt8m_models.layers.basic_operations import only_basic_operations

_SIGNATURE = "serving_default"


def write_litert(path: str, signature: Signature, dynamic: bool) -> None:
    """Writes a signature as a LiteRT file of LiteRT's own operations alone.

    Args:
        path: of the file.
        signature: inputs and outputs keep their names.
        dynamic: store the weights of matrix products in 8 bits; activations are quantised by the
            range that each has.
    """
    with tempfile.TemporaryDirectory() as directory:
        with only_basic_operations():
            write_saved_model(directory, {_SIGNATURE: signature})
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, [_SIGNATURE])
        if dynamic:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        Path(path).write_bytes(converter.convert())
