"""Tests of `yt8m_models.backbones.image_models`, by the values that networks of tests give."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.backbones.image_models import image_model
from yt8m_models.backbones.images import resized
from yt8m_models.backbones.keras_application import APPLICATIONS

_SMALL = "MobileNet"


def _images(number, height=50, width=70, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (height + i, width, 3), np.uint8) for i in range(number)]


@pytest.fixture(scope="module")
def small():
    return image_model(_SMALL, "random:1")


@pytest.mark.parametrize("size", [1, 3, 7])
def test_features_do_not_depend_on_the_batch(small, size):
    images = _images(7)
    batches = [small(images[start : start + size]) for start in range(0, 7, size)]
    features = np.concatenate(batches)
    assert features.dtype == np.float32
    assert features.shape == (7, small.size) == (7, 1024)
    np.testing.assert_allclose(features, small(images), rtol=1e-4, atol=1e-6)
    assert np.ptp(features, axis=0).max() > 1e-3  # or the comparison would compare nothing


def test_more_images_than_a_batch_and_none(small):
    images = _images(2) * 20
    np.testing.assert_allclose(
        small(images), np.tile(small(images[:2]), (20, 1)), rtol=1e-4, atol=1e-6
    )
    assert small([]).shape == (0, 1024)


def test_every_size_of_picture_is_resized(small):
    """A picture of one colour is the same at every size."""
    images = [
        np.full((h, w, 3), (200, 30, 90), np.uint8) for h, w in ((1, 1), (224, 224), (9, 500))
    ]
    features = small(images)
    np.testing.assert_allclose(features[0], features[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(features[2], features[1], rtol=1e-4, atol=1e-6)


def test_resizing_averages_pixels():
    """A chessboard of single pixels, halved, is grey with anti-aliasing."""
    chessboard = np.indices((448, 448)).sum(axis=0) % 2 * 255
    pixels = resized([np.repeat(chessboard[..., None], 3, axis=2).astype(np.uint8)], 224)
    assert pixels.shape == (1, 224, 224, 3)
    np.testing.assert_allclose(pixels[0, 5:-5, 5:-5], 127.5, atol=1)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("inception_v3", lambda x: x / 127.5 - 1),
        ("Xception", lambda x: x / 127.5 - 1),
        ("MobileNetV2", lambda x: x / 127.5 - 1),
        ("ResNet50V2", lambda x: x / 127.5 - 1),
        ("NASNetMobile", lambda x: x / 127.5 - 1),
        ("DenseNet121", lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        ("ResNet50", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
        ("VGG16", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
        ("EfficientNetB0", lambda x: x),  # these preprocess in the network
        ("ConvNeXtTiny", lambda x: x),
        ("MobileNetV3Small", lambda x: x),
    ],
)
def test_preprocessing_is_that_of_the_network(name, formula):
    _, preprocess = APPLICATIONS[name]
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(
        tf.function(preprocess)(tf.constant(pixels)), formula(pixels), rtol=1e-5, atol=1e-4
    )


def test_features_are_those_of_the_network_of_keras(small, tmp_path):
    """The whole way by hand: resize, preprocess, network, average over the last feature map."""
    model = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(224, 224, 3))
    rng = np.random.default_rng(2)
    for weight in model.weights:
        noise = rng.standard_normal(weight.shape, np.float32) * 0.1
        weight.assign(weight + (noise if len(weight.shape) == 4 else np.abs(noise)))
    path = str(tmp_path / "a.weights.h5")
    model.save_weights(path)
    images = _images(3)
    pixels = np.stack([tf.image.resize(image, (224, 224), antialias=True) for image in images])
    expected = model(pixels / 127.5 - 1, training=False).numpy().mean(axis=(1, 2))
    loaded = image_model(_SMALL, path)
    np.testing.assert_allclose(loaded(images), expected, rtol=1e-3, atol=1e-5)
    assert loaded.settings["weights"] != small.settings["weights"]
    assert {**loaded.settings, "weights": ""} == {**small.settings, "weights": ""}


def test_names_and_settings():
    """Names are as Keras writes them, or not; the same seed gives the same weights."""
    model = image_model("mobile_net", "random:1")
    assert model.settings == image_model(_SMALL, "random:1").settings
    assert json.loads(json.dumps(model.settings)) == model.settings
    assert (model.name, model.size, model.run_length) == (_SMALL, 1024, 1)
    assert (model.settings["name"], model.settings["size"]) == (_SMALL, 1024)
    assert {"inception_v3", "Xception", "EfficientNetV2L", "NASNetLarge"} <= set(APPLICATIONS)


def _error(*arguments):
    with pytest.raises(ValueError, match="--rgb_model=") as error:
        image_model(*arguments)
    return str(error.value)


def test_errors_of_names():
    assert "--rgb_model=inceptionv4: did you mean inception_v3" in _error("inceptionv4")
    names = "--rgb_model=xyzzy: must be one of inception_v3, yt8m, keras_hub:PRESET"
    assert names in _error("xyzzy")
    weights = "--rgb_model=yt8m needs --rgb_weights, the file classify_image_graph_def.pb"
    assert weights in _error("yt8m")


def test_a_failed_download_says_what_to_give(monkeypatch):
    def fail(name, origin, **kwargs):
        raise Exception(f"URL fetch failure on {origin}: None -- no network")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    error = _error(_SMALL)
    assert "--rgb_model=MobileNet: ImageNet's weights cannot be downloaded " in error
    assert "no network" in error
    assert "--rgb_weights takes a file of weights" in error


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), np.zeros((4, 0, 3), "u1")],
)
def test_errors_of_images(small, image):
    with pytest.raises(ValueError, match=r"images must be uint8 RGB .* image 1 is "):
        small([np.zeros((4, 4, 3), np.uint8), image])
