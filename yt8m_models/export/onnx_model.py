"""ONNX files, by tf2onnx."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.export.quiet import errors_only
from yt8m_models.export.signatures import Signature
from yt8m_models.program.extras import require

OPSET = 18
_CONSTANTS = ("log_scales",)  # they go through expm1, which ONNX has not: it must be folded
_PROVIDERS = ["CPUExecutionProvider"]


def write_onnx(path: str, model: keras.Model, signature: Signature, dynamic: bool) -> None:
    """Writes a signature of a model as an ONNX file.

    Args:
        path: of the file.
        model: whose signature it is.
        signature: inputs and outputs keep their names.
        dynamic: store the weights of matrix products in 8 bits; activations are quantised by the
            range that each has.
    """
    with errors_only(logging.getLogger("tf2onnx")):
        content = _converted(model, signature).SerializeToString()
    if not dynamic:
        Path(path).write_bytes(content)
        return
    onnxruntime = require("onnxruntime", extra="export")
    quantization = require("onnxruntime.quantization", extra="export")
    with tempfile.TemporaryDirectory() as directory:
        # What is computed of weights alone becomes a weight, which can be quantised.
        folded = str(Path(directory, "folded.onnx"))
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = folded
        onnxruntime.InferenceSession(content, options, providers=_PROVIDERS)
        with errors_only(logging.getLogger()):
            quantization.quantize_dynamic(folded, path, weight_type=quantization.QuantType.QInt8)


def _converted(model: keras.Model, signature: Signature) -> Any:
    """The signature as an ONNX model.

    tf2onnx copies all constants for each of its passes over the graph. So it converts a function
    whose weights are inputs, and these become initializers afterwards.
    """
    onnx, tf2onnx = require("onnx", extra="export"), require("tf2onnx", extra="export")
    weights = {
        f"weight_{index}": weight
        for index, weight in enumerate(model.weights)
        if weight.name not in _CONSTANTS
    }
    names = [spec.name for spec in signature.inputs]

    def call(*values: tf.Tensor) -> dict[str, tf.Tensor]:
        given = zip(weights.values(), values[len(names) :], strict=True)
        with keras.StatelessScope(state_mapping=list(given)):
            return signature.function(**dict(zip(names, values, strict=False)))

    inputs = [
        *signature.inputs,
        *(tf.TensorSpec(weight.shape, weight.dtype, name) for name, weight in weights.items()),
    ]
    function = tf.function(call, input_signature=inputs, autograph=False)
    converted, _ = tf2onnx.convert.from_function(
        function,
        input_signature=inputs,
        opset=OPSET,
        custom_op_handlers={"SelectV2": (_as_where, [])},
    )
    graph, used = converted.graph, set(_names_used(converted.graph))
    kept = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(kept)
    for name, weight in weights.items():
        if name in used:
            graph.initializer.append(onnx.numpy_helper.from_array(weight.numpy(), name))
    return converted


def _as_where(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Keeps a choice of values: tf2onnx multiplies by 0 and 1, which makes NaN of infinities."""
    node.type = "Where"


def _names_used(graph: Any) -> Iterator[str]:
    """What the nodes of a graph take, and those of the graphs inside of it, such as a loop's."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _names_used(attribute.g)
