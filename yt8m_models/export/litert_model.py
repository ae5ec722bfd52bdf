"""LiteRT files, and what LiteRT makes of them."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from yt8m_models.export.saved_model import Arrays, write_saved_model
from yt8m_models.export.signatures import Signature
from yt8m_models.layers.basic_operations import only_basic_operations
from yt8m_models.program.extras import require

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


class LiteRTModel:
    """A LiteRT file in `ai_edge_litert`; called with inputs by name, it gives outputs by name."""

    def __init__(self, path: str) -> None:
        interpreter = require("ai_edge_litert.interpreter", extra="export")
        self._interpreter = interpreter.Interpreter(model_path=path)
        self._run = self._interpreter.get_signature_runner(_SIGNATURE)

    def __call__(self, inputs: Arrays) -> dict[str, np.ndarray]:
        outputs: dict[str, np.ndarray] = self._run(**inputs)
        return outputs
