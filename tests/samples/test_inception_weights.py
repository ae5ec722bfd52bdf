"""Tests of `yt8m_models.samples.inception_weights`, on the package that `make` puts in `out/`."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.backbones.image_models import image_model
from yt8m_models.samples.inception_weights import inception_v3, read_weights, write_weights

_PACKAGE = Path(__file__).resolve().parents[2] / "out" / "nsfwjs-4.4.0.tgz"


@pytest.fixture(scope="module")
def package():
    if not _PACKAGE.is_file():
        pytest.skip(f"no Inception v3: `make out/{_PACKAGE.name}` fetches it with npm")
    return str(_PACKAGE)


@pytest.fixture(scope="module")
def model(package, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("weights") / "inception_v3.npz")
    write_weights(package, path)
    return image_model("inception_v3", path)


def _clips():
    """Five crops of each of the two photographs that scikit-learn ships: two clips that pan."""
    images = pytest.importorskip("sklearn.datasets").load_sample_images().images
    return [
        np.ascontiguousarray(image[8 * i : 8 * i + 380, 10 * i : 10 * i + 560])
        for image in images
        for i in range(5)
    ]


def test_frames_of_a_clip_are_near_each_other(model):
    """Features of 8-bit weights: cosines of 0.98 to 1 within a clip, of 0.86 to 0.92 between."""
    features = model(_clips())
    assert features.shape == (10, 2048)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    cosines = features @ features.T
    within = np.concatenate([cosines[:5, :5], cosines[5:, 5:]])
    assert within.min() > 0.97
    assert cosines[:5, 5:].max() < 0.93


def test_the_classifier_of_the_package_agrees(package, model):
    """Its dense layers call a temple and a flower neither drawn nor anything but neutral."""
    dense = {
        (weight.number, weight.part): weight.value
        for weight in read_weights(package)
        if weight.kind == "dense"
    }
    values = model(_clips()[::5])
    for number in (1, 2, 3):
        values = np.maximum(values, 0) @ dense[number, "kernel"] + dense[number, "bias"]
    drawing, hentai, neutral, *others = np.exp(values - values.max(axis=1, keepdims=True)).T
    assert np.all(neutral > 50 * (drawing + hentai + sum(others)))


def test_errors_name_the_package(tmp_path):
    path = tmp_path / "other.tgz"
    with pytest.raises(
        ValueError, match=r"other.tgz is not the npm package nsfwjs 4.4.0: .*No such"
    ):
        inception_v3(str(path))
    path.write_bytes(b"no")
    with pytest.raises(ValueError, match=r"other.tgz is not the npm package nsfwjs 4.4.0: "):
        inception_v3(str(path))
    with tarfile.open(path, "w:gz") as archive:
        for name in ("model", *(f"group1-shard{i}of6" for i in range(1, 7))):
            entry = tarfile.TarInfo(f"package/dist/models/inception_v3/{name}.min.js")
            archive.addfile(entry, io.BytesIO())
    with pytest.raises(
        ValueError, match=r"other.tgz: its weights of conv2d are not those of Incep"
    ):
        inception_v3(str(path))
