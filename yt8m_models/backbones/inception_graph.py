"""Features of the Inception graph that YouTube-8M's rgb features were made with."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from yt8m_models.backbones.images import features_in_batches
from yt8m_models.backbones.model_weights import require_file

_IMAGE = "DecodeJpeg:0"
_RESIZED = "ResizeBilinear:0"
_FEATURES = "pool_3/_reshape"
# Of networks for pictures. Others could read and write files as soon as the graph runs.
_OPERATIONS = {
    *("Add", "AddV2", "BiasAdd", "Concat", "ConcatV2", "MatMul", "Mean", "Mul", "Rsqrt", "Sub"),
    *("AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool", "ResizeBilinear"),
    *("BatchNormWithGlobalNormalization", "FusedBatchNorm", "LRN"),
    *("Relu", "Relu6", "Softmax"),
    *("Cast", "ExpandDims", "Pad", "Reshape", "Shape", "Squeeze"),
    *("CheckNumerics", "Const", "DecodeJpeg", "Identity", "NoOp", "Placeholder"),
}


class InceptionGraph:
    """The layer below the classifier of the frozen graph of 2015, `classify_image_graph_def.pb`.

    A picture goes into `DecodeJpeg:0` as it is. The graph resizes it to 299x299, bilinear without
    aligned corners and without anti-aliasing, whole, so that its proportions are not kept, and
    takes `(x - 128) / 128`. The graph has a batch of one; here the pictures are resized one by one
    and the rest of the graph runs on a batch.

    Args:
        path: the file.

    Attributes:
        name, size, settings, run_length: see `ImageModel`.

    Raises:
        ValueError: there is no such file, or it is not such a graph.
    """

    name = "yt8m"
    run_length = 1

    def __init__(self, path: str) -> None:
        require_file(path)
        with tf.io.gfile.GFile(path, "rb") as file:
            content = file.read()
        graph_def = _read(content, path)
        # A session, because functions must not have operations as old as the graph's.
        with tf.Graph().as_default() as graph:
            self._batch = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
            try:
                # The network takes the batch, while `ResizeBilinear` still resizes the image.
                tf.import_graph_def(graph_def, input_map={_RESIZED: self._batch}, name="")
            except (ValueError, tf.errors.OpError) as error:
                reason = getattr(error, "message", error)
                raise ValueError(f"{path} cannot be run: {reason}") from error
        self._image = graph.get_tensor_by_name(_IMAGE)
        self._resized = graph.get_tensor_by_name(_RESIZED)
        reshape = graph.get_operation_by_name(_FEATURES)
        # What is reshaped, and not the result, which has a batch of one written into it.
        self._pooled = reshape.inputs[0]
        self._session = tf.compat.v1.Session(graph=graph, config=_config())
        self.size = int(reshape.outputs[0].shape[-1])
        self.settings: dict[str, Any] = {
            "name": self.name,
            "weights": hashlib.sha256(content).hexdigest()[:16],
            "size": self.size,
            "preprocessing": "by the graph itself",
        }

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return features_in_batches(images, self.size, self._features)

    def _features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        resized = [self._session.run(self._resized, {self._image: image}) for image in images]
        batch = {self._batch: np.concatenate(resized)}
        features: np.ndarray = self._session.run(self._pooled, batch)
        return features.reshape(len(images), self.size)


def _read(content: bytes, path: str) -> tf.compat.v1.GraphDef:
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"{path} is not a frozen graph of TensorFlow: {error}") from error
    missing = {name.partition(":")[0] for name in (_IMAGE, _RESIZED, _FEATURES)} - {
        node.name for node in graph_def.node
    }
    if missing:
        raise ValueError(
            f"{path} must be the graph classify_image_graph_def.pb; it has no node "
            f"{', '.join(sorted(missing))}"
        )
    for node in graph_def.node:
        if node.op not in _OPERATIONS:
            raise ValueError(
                f"{path} must be the graph classify_image_graph_def.pb; its node {node.name} is "
                f"the operation {node.op}, which that graph has no use for"
            )
    return graph_def


def _config() -> tf.compat.v1.ConfigProto:
    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)  # operations without a GPU kernel
    config.gpu_options.allow_growth = True  # eager code has its part of the memory
    return config
