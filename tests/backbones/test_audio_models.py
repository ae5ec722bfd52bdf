"""Tests of `yt8m_models.backbones.audio_models`, by value."""

import json
import math
import re

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.backbones.audio_models import audio_model
from yt8m_models.backbones.vggish import VGGish

_SMALL = {"widths": (2, 3, 4, 5), "hidden_size": 7, "size": 6}
_SHAPES = {
    "conv1": (3, 3, 1, 2),
    "conv2": (3, 3, 2, 3),
    "conv3/conv3_1": (3, 3, 3, 4),
    "conv3/conv3_2": (3, 3, 4, 4),
    "conv4/conv4_1": (3, 3, 4, 5),
    "conv4/conv4_2": (3, 3, 5, 5),
    "fc1/fc1_1": (6 * 4 * 5, 7),
    "fc1/fc1_2": (7, 7),
    "fc2": (7, 6),
}


def _patches(number):
    return np.random.default_rng(4).standard_normal((number, 96, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def variables():
    rng = np.random.default_rng(5)
    made = {}
    for layer, shape in _SHAPES.items():
        deviation = np.sqrt(2 / np.prod(shape[:-1]))
        made[f"vggish/{layer}/weights"] = rng.normal(0, deviation, shape).astype(np.float32)
        made[f"vggish/{layer}/biases"] = rng.normal(0, 0.1, shape[-1:]).astype(np.float32)
    return made


@pytest.fixture(scope="module")
def archive(variables, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("vggish") / "vggish.npz")
    np.savez(path, **variables)
    return path


def _expected(variables, patch):
    """One patch through convolutions as sums over windows, in float64."""

    def layer(name):
        return tuple(
            variables[f"vggish/{name}/{part}"].astype(np.float64) for part in ("weights", "biases")
        )

    values = patch[..., None].astype(np.float64)
    for name, is_last in (
        *(("conv1", True), ("conv2", True), ("conv3/conv3_1", False), ("conv3/conv3_2", True)),
        *(("conv4/conv4_1", False), ("conv4/conv4_2", True)),
    ):
        kernel, bias = layer(name)
        height, width, _ = values.shape
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
        values = sum(
            padded[row : row + height, column : column + width] @ kernel[row, column]
            for row in range(3)
            for column in range(3)
        )
        values = np.maximum(values + bias, 0)
        if is_last:
            values = values.reshape(height // 2, 2, width // 2, 2, -1).max(axis=(1, 3))
    values = values.reshape(-1)  # rows, columns, channels
    for name in ("fc1/fc1_1", "fc1/fc1_2"):
        kernel, bias = layer(name)
        values = np.maximum(values @ kernel + bias, 0)
    kernel, bias = layer("fc2")
    return values @ kernel + bias


def test_vggish_is_its_formulas(variables, archive):
    model = VGGish(archive, **_SMALL)
    patches = _patches(3)
    features = model(patches)
    assert features.dtype == np.float32
    expected = [_expected(variables, patch) for patch in patches]
    assert np.min(expected) < -0.1  # no ReLU at the end
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_features_do_not_depend_on_the_batch(archive, size):
    model = VGGish(archive, **_SMALL)
    patches = np.tile(_patches(7), (11, 1, 1))  # 77: more than a batch
    batches = [model(patches[start : start + size]) for start in range(0, 77, size)]
    np.testing.assert_allclose(np.concatenate(batches), model(patches), rtol=1e-5, atol=1e-6)
    assert model(patches[:0]).shape == (0, 6)


def _write_checkpoint(directory, variables):
    path = str(directory / "vggish_model.ckpt")
    tf.raw_ops.SaveV2(
        prefix=path,
        tensor_names=list(variables),
        shape_and_slices=[""] * len(variables),
        tensors=list(variables.values()),
    )
    return path


def test_a_checkpoint_is_the_same_as_an_archive(variables, archive, tmp_path):
    """That of a training has slots, a step and layers on top of VGGish, too."""
    slot = {"vggish/conv1/weights/Adam": variables["vggish/conv1/weights"] + 1}
    others = {"global_step": np.int64(3), "mymodel/fc1/weights": np.ones((6, 2), np.float32)}
    path = _write_checkpoint(tmp_path, {**variables, **slot, **others})
    from_checkpoint, from_archive = VGGish(path, **_SMALL), VGGish(archive, **_SMALL)
    assert from_checkpoint.settings == from_archive.settings
    assert json.loads(json.dumps(from_archive.settings)) == from_archive.settings
    patches = _patches(2)
    np.testing.assert_array_equal(from_checkpoint(patches), from_archive(patches))


def test_settings_tell_weights_apart(variables, archive, tmp_path):
    path = str(tmp_path / "other.npz")
    np.savez(path, **{**variables, "vggish/fc2/biases": variables["vggish/fc2/biases"] + 1e-6})
    first, other = VGGish(archive, **_SMALL).settings, VGGish(path, **_SMALL).settings
    assert first["weights"] != other["weights"]
    assert (first["name"], first["size"]) == ("vggish", 6)


@pytest.mark.parametrize("kind", ["archive", "checkpoint"])
def test_errors_name_variables(variables, tmp_path, kind):
    changed = dict(variables)
    del changed["vggish/conv1/biases"]
    changed["vggish/fc2/weights"] = np.ones((7, 5), np.float32)
    changed["vggish/conv5/weights"] = np.ones(3, np.float32)
    if kind == "archive":
        path = str(tmp_path / "a.npz")
        np.savez(path, **changed)
    else:
        path = _write_checkpoint(tmp_path, changed)
    with pytest.raises(ValueError, match="is not VGGish") as error:
        VGGish(path, **_SMALL)
    assert str(error.value).splitlines() == [
        f"{path} is not VGGish:",
        "    vggish/conv1/biases is missing",
        "    vggish/fc2/weights has the shape (7, 5) and must have (7, 6)",
        "    vggish/conv5/weights is none of its variables",
    ]


def test_the_public_checkpoint_has_so_many_numbers(variables, tmp_path):
    """The error for an archive of single numbers tells all shapes of `vggish_model.ckpt`."""
    path = str(tmp_path / "a.npz")
    np.savez(path, **dict.fromkeys(variables, np.float32(0)))
    with pytest.raises(ValueError, match="is not VGGish") as error:
        audio_model("vggish", path)
    shapes = re.findall(r"(\S+) has the shape \(\) and must have \((.*)\)", str(error.value))
    assert [name for name, _ in shapes] == list(variables)
    convolutions = (64 * 1, 128 * 64, 256 * 128, 256 * 256, 512 * 256, 512 * 512)
    kernels = 9 * sum(convolutions) + 6 * 4 * 512 * 4096 + 4096 * 4096 + 4096 * 128
    biases = 64 + 128 + 2 * 256 + 2 * 512 + 2 * 4096 + 128
    sizes = [math.prod(int(side) for side in re.findall(r"\d+", shape)) for _, shape in shapes]
    assert sum(sizes) == kernels + biases == 72_141_184


def test_random_weights_for_trials():
    patches = _patches(2)
    features = VGGish("random:1", **_SMALL)(patches)
    np.testing.assert_array_equal(VGGish("random:1", **_SMALL)(patches), features)
    assert not np.array_equal(VGGish("random:2", **_SMALL)(patches), features)
    assert 0.05 < features.std() < 20


def test_log_mel_statistics_are_their_formula():
    patches = np.zeros((2, 96, 64), np.float32)
    patches[0] = np.log(0.01)  # silence
    patches[1, :48, 3] = 2.0  # half the time 2, half 0: mean 1, deviation 1
    features = audio_model("log_mel")(patches)
    assert (features.dtype, features.shape) == (np.float32, (2, 128))
    np.testing.assert_allclose(features[0, :64], np.log(0.01) / 2.4, rtol=1e-5)
    np.testing.assert_allclose(features[0, 64:], -2, atol=1e-4)
    np.testing.assert_allclose(features[1, [2, 3]], [0, 1 / 2.4])
    np.testing.assert_allclose(features[1, [64 + 2, 64 + 3]], [-2, 1 / 1.2 - 2])


def test_log_mel_statistics_of_the_extremes_fit_in_8_bits():
    """Silence and a band at 4.8, what a tone of full scale gives, and both in turn."""
    silence = np.full((96, 64), np.log(0.01), np.float32)
    loudest = np.full((96, 64), 4.8, np.float32)
    in_turn = np.concatenate([silence[:48], loudest[:48]])
    features = audio_model("log_mel")(np.stack([silence, loudest, in_turn]))
    assert np.abs(features).max() <= 2 + 1e-6
    assert np.ptp(features[:, :64]) > 3.9
    assert np.ptp(features[:, 64:]) > 3.9


def test_log_mel_settings_and_no_patches():
    model = audio_model("log_mel")
    assert json.loads(json.dumps(model.settings)) == model.settings
    assert model.settings["name"] == model.name == "log_mel"
    assert model(np.zeros((0, 96, 64), np.float32)).shape == (0, model.size) == (0, 128)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vgish",), "--audio_model=vgish: did you mean vggish"),
        (("vggish",), "--audio_model=vggish needs --audio_weights: the prefix of the public"),
        (("vggish", "/missing.npz"), "there is no file /missing.npz"),
        (("vggish", "/missing.ckpt"), "no checkpoint /missing.ckpt"),
        (("log_mel", "a.npz"), "--audio_weights=a.npz: --audio_model=log_mel has no weights"),
    ],
)
def test_errors_of_names(arguments, message):
    with pytest.raises(ValueError, match=message):
        audio_model(*arguments)


@pytest.mark.parametrize("shape", [(96, 64), (2, 64, 96), (2, 96, 64, 1)])
def test_errors_of_patches(archive, shape):
    for model in (audio_model("log_mel"), VGGish(archive, **_SMALL)):
        with pytest.raises(
            ValueError, match=r"patches must have the shape \(n, 96, 64\); received"
        ):
            model(np.zeros(shape, np.float32))
