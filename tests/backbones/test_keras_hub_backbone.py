"""Tests of `yt8m_models.backbones.keras_hub_backbone`, on presets that the tests write."""

import json
import sys

import numpy as np
import pytest

from yt8m_models.backbones.image_models import image_model

_SIDE, _FRAMES, _WIDTH = 32, 4, 8


@pytest.fixture(scope="module")
def keras_hub():
    return pytest.importorskip("keras_hub", reason="needs KerasHub, which is no extra")


def _preset(directory, backbone, converter):
    backbone.save_to_preset(str(directory))
    converter.save_to_preset(str(directory))
    return f"keras_hub:{directory}"


def _videoprism(keras_hub, **arguments):
    return keras_hub.models.VideoPrismBackbone(
        **{"num_frames": _FRAMES, "patch_size": 16, "hidden_dim": _WIDTH, "intermediate_dim": 16},
        **{"num_heads": 2, "num_spatial_layers": 1, "num_temporal_layers": 1},
        **{"num_auxiliary_layers": 0, "image_shape": (_SIDE, _SIDE, 3), **arguments},
    )


@pytest.fixture(scope="module")
def videoprism(keras_hub, tmp_path_factory):
    backbone = _videoprism(keras_hub)
    converter = keras_hub.layers.VideoPrismImageConverter(image_size=(_SIDE, _SIDE), scale=1 / 255)
    return _preset(tmp_path_factory.mktemp("videoprism"), backbone, converter), backbone


@pytest.fixture(scope="module")
def resnet(keras_hub, tmp_path_factory):
    backbone = keras_hub.models.ResNetBackbone(
        **{"input_conv_filters": [64], "input_conv_kernel_sizes": [3]},
        **{"stackwise_num_filters": [64, 64], "stackwise_num_blocks": [1, 1]},
        **{"stackwise_num_strides": [1, 2], "block_type": "basic_block"},
    )
    converter = keras_hub.layers.ResNetImageConverter(
        image_size=(_SIDE, _SIDE), scale=1 / 127.5, offset=-1.0, crop_to_aspect_ratio=False
    )
    return _preset(tmp_path_factory.mktemp("resnet"), backbone, converter), backbone


def _images(number):
    """Pictures of the network's size, which nothing resizes."""
    rng = np.random.default_rng(6)
    return list(rng.integers(0, 256, (number, _SIDE, _SIDE, 3), np.uint8))


def test_a_network_of_pictures_is_averaged_over_its_map(resnet):
    preset, backbone = resnet
    images = _images(3)
    model = image_model(preset)
    expected = backbone(np.stack(images) / 127.5 - 1, training=False).numpy().mean(axis=(1, 2))
    assert (model.size, model.run_length) == (64, 1)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-5)
    wide = np.repeat(images[0], 3, axis=1)  # resized to the picture before it, about
    assert model([wide]).shape == (1, 64)


def test_a_network_of_videos_looks_at_runs_of_pictures(videoprism):
    """Ten pictures are two runs of four, and one whose last picture fills it."""
    preset, backbone = videoprism
    model = image_model(preset)
    images = _images(10)
    runs = np.stack([*images, images[-1], images[-1]]).reshape(3, _FRAMES, _SIDE, _SIDE, 3)
    expected = backbone(runs / 255, training=False).numpy().mean(axis=2).reshape(12, _WIDTH)
    assert (model.size, model.run_length) == (_WIDTH, _FRAMES)
    np.testing.assert_allclose(model(images), expected[:10], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model(images[4:8]), expected[4:8], rtol=1e-3, atol=1e-4)
    assert np.abs(model(images[5:9]) - expected[5:9]).max() > 1e-2
    many = model(images[:4] * 10)  # more than a batch
    np.testing.assert_allclose(many, np.tile(expected[:4], (10, 1)), rtol=1e-3, atol=1e-4)


def test_settings_and_weights_of_a_file(videoprism, tmp_path):
    preset, backbone = videoprism
    model = image_model(preset)
    assert json.loads(json.dumps(model.settings)) == model.settings
    assert model.settings["name"] == model.name == preset
    assert model.settings["preprocessing"]["scale"] == 1 / 255
    path = str(tmp_path / "a.npz")
    np.savez(path, *backbone.get_weights())
    assert image_model(preset, path).settings == model.settings
    assert image_model(preset, "random:1").settings["weights"] != model.settings["weights"]


def test_errors(keras_hub, tmp_path):
    with pytest.raises(ValueError, match="--rgb_model=keras_hub:nothing cannot be loaded: "):
        image_model("keras_hub:nothing")
    backbone = _videoprism(keras_hub, vocabulary_size=10, num_text_layers=1)
    converter = keras_hub.layers.VideoPrismImageConverter(image_size=(_SIDE, _SIDE))
    preset = _preset(tmp_path, backbone, converter)
    with pytest.raises(ValueError, match="must take pictures, or videos, and nothing else; Video"):
        image_model(preset)


def test_without_keras_hub_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ValueError, match="needs KerasHub, which is not installed: pip install ker"):
        image_model("keras_hub:videoprism_public_v1_base")
