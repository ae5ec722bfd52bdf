"""Tests of `yt8m_models.backbones.inception_graph`, on a small graph with the nodes' names."""

import hashlib

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.backbones.image_models import image_model

v1 = tf.compat.v1

_SIDE = 6  # instead of 299
_KERNEL = np.random.default_rng(0).standard_normal((3, 3, 3, 5)).astype(np.float32)
_MEAN = np.linspace(-1, 1, 5).astype(np.float32)
_VARIANCE = np.linspace(0.5, 2, 5).astype(np.float32)
_BETA = np.linspace(0, 1, 5).astype(np.float32)


def _constant(graph_def, name, value):
    tensor = tf.make_tensor_proto(value)
    node = graph_def.node.add(name=name, op="Const")
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)


def _graph_def():
    """The parts of the graph of 2015: its batch of one, its old operation, its JPEG and softmax."""
    with tf.Graph().as_default() as graph:
        encoded = tf.constant(b"", name="DecodeJpeg/contents")
        image = tf.image.decode_jpeg(encoded, channels=3, name="DecodeJpeg")
        pixels = tf.expand_dims(tf.cast(image, tf.float32, name="Cast"), 0, name="ExpandDims")
        pixels = v1.image.resize_bilinear(pixels, (_SIDE, _SIDE), name="ResizeBilinear")
        pixels = tf.multiply(tf.subtract(pixels, 128.0, name="Sub"), 1 / 128, name="Mul")
        maps = tf.nn.conv2d(pixels, _KERNEL, 1, "SAME", name="conv")
        pooled = tf.nn.avg_pool2d(maps, _SIDE, 1, "VALID", name="pool_3")
        features = tf.reshape(pooled, (1, 5), name="pool_3/_reshape")
        tf.nn.softmax(features, name="softmax")
    graph_def = graph.as_graph_def(add_shapes=True)
    node = graph_def.node.add(name="batchnorm", op="BatchNormWithGlobalNormalization")
    values = {"mean": _MEAN, "variance": _VARIANCE, "beta": _BETA, "gamma": np.ones(5, np.float32)}
    for name, value in values.items():
        _constant(graph_def, name, value)
    node.input.extend(["conv", *values])
    node.attr["T"].type = tf.float32.as_datatype_enum
    node.attr["variance_epsilon"].f = 0.001
    node.attr["scale_after_normalization"].b = False
    (pool,) = (node for node in graph_def.node if node.name == "pool_3")
    pool.input[0] = "batchnorm"
    graph_def.versions.producer = 8  # the last one that may have that operation
    return graph_def


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "classify_image_graph_def.pb"
    path.write_bytes(_graph_def().SerializeToString())
    return path


@pytest.fixture(scope="module")
def model(path):
    return image_model("yt8m", str(path))


def _images(number, height=11, width=17):
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (height + i, width, 3), np.uint8) for i in range(number)]


def _resized(image):
    """TensorFlow 1's bilinear: output pixel i is at i * size / side, whatever the middles are."""
    values = image.astype(np.float64)
    for axis in (0, 1):
        size = values.shape[axis]
        at = np.arange(_SIDE) * (size / _SIDE)
        low = at.astype(int)
        high = np.minimum(low + 1, size - 1)
        share = np.moveaxis((at - low)[:, None, None], 0, axis)
        below, above = np.take(values, low, axis), np.take(values, high, axis)
        values = below + (above - below) * share
    return values


def _features(image):
    pixels = np.pad((_resized(image) - 128) / 128, ((1, 1), (1, 1), (0, 0)))
    maps = np.zeros((_SIDE, _SIDE, 5))
    for row in range(3):
        for column in range(3):
            window = pixels[row : row + _SIDE, column : column + _SIDE]
            maps += window @ _KERNEL[row, column].astype(np.float64)
    normal = (maps - _MEAN) / np.sqrt(_VARIANCE + 0.001) + _BETA
    return normal.mean(axis=(0, 1))


def test_features_are_those_of_the_formulas(model):
    images = _images(4)
    features = model(images)
    assert features.dtype == np.float32
    assert features.shape == (4, model.size) == (4, 5)
    np.testing.assert_allclose(features, [_features(image) for image in images], atol=1e-5)


def test_features_are_those_of_the_graph_fed_as_the_extractor_feeds_it(model, path):
    graph_def = v1.GraphDef.FromString(path.read_bytes())
    images = _images(3)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    with v1.Session(graph=graph) as session:
        expected = [
            session.run("pool_3/_reshape:0", {"DecodeJpeg:0": image})[0] for image in images
        ]
    np.testing.assert_allclose(model(images), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_features_do_not_depend_on_the_batch(model, size):
    images = _images(7) * 5  # more than a batch
    batches = [model(images[start : start + size]) for start in range(0, 35, size)]
    np.testing.assert_allclose(np.concatenate(batches), model(images), rtol=1e-5, atol=1e-6)
    assert model([]).shape == (0, 5)


def test_settings(model, path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert model.settings["weights"] == digest
    assert model.settings["name"] == model.name == "yt8m"
    assert model.settings["size"] == 5
    assert model.run_length == 1


def test_errors_name_the_file_and_what_is_wrong(path, tmp_path):
    def rejected(message, name, content=None):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=message):
            image_model("yt8m", str(tmp_path / name))

    rejected("there is no file .*missing.pb", "missing.pb")
    rejected("text.pb is not a frozen graph of TensorFlow", "text.pb", b"not a graph at all")
    rejected(
        "empty.pb must be the graph classify_image_graph_def.pb; it has no node DecodeJpeg, "
        "ResizeBilinear, pool_3/_reshape",
        "empty.pb",
        b"",
    )
    graph_def = v1.GraphDef.FromString(path.read_bytes())
    graph_def.node.add(name="odd", op="NoSuchOperation")
    rejected("odd.pb must be .* odd is .*NoSuchOperation", "odd.pb", graph_def.SerializeToString())
    (graph_def.node[-1].op, graph_def.node[-1].name) = "MatMul", "lacks"
    rejected("lacks.pb cannot be run: .*lacks", "lacks.pb", graph_def.SerializeToString())
