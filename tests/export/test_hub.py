"""`--format=hf`: folders of all kinds of trained models, which `load_model` reads."""

import json

import keras
import numpy as np
import pytest

import yt8m_models
from yt8m_models.export import formats
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.exporting import export
from yt8m_models.models.annotation_model import AnnotationModel

pytest.importorskip("safetensors", reason="needs the extra `hub`")


def files_of(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_training_with_a_vocabulary(train_dir, tmp_path):
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text("Index,Name\n0,Game\n2,Music  video\n")
    config = ExportConfig(
        train_dir,
        output_dir=str(tmp_path / "exported"),
        format=("hf", "keras"),
        vocabulary=str(vocabulary),
        license="CC-BY-4.0",
    )
    record = export(config)
    written = record["formats"]["hf"]
    folder = tmp_path / "exported" / "hf"
    assert files_of(folder) == ["README.md", "config.json", "model.safetensors", "self_check.npz"]
    assert written["path"] == "hf"
    assert written["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert written["deviation"] < 1e-6
    content = json.loads((folder / "config.json").read_text("utf-8"))
    assert content["class_names"] == ["Game", "1", "Music video", "3", "4"]
    assert (content["checkpoint"], content["step"]) == ("model.ckpt-1", 1)
    assert 'license: "cc-by-4.0"' in (folder / "README.md").read_text("utf-8")

    model, expected = yt8m_models.load_model(str(folder)), yt8m_models.load_model(train_dir)
    with np.load(folder / "self_check.npz") as check:
        inputs = {name: check[name] for name in ("video_matrix", "num_frames")}
        np.testing.assert_allclose(model(inputs), check["predictions"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(model(inputs), expected(inputs), rtol=0, atol=1e-6)


def test_embeddings(tower, write):
    trained = tower("frames")
    directory, record = write(trained, "hf")
    model = yt8m_models.load_model(str(directory / "hf"))
    assert record["formats"]["hf"]["deviation"] < 1e-6
    assert model.feature_names == ("rgb", "audio")
    frames = np.random.default_rng(0).integers(0, 256, (2, 9, 8), np.uint8)
    inputs = {"video_matrix": frames, "num_frames": np.array([9, 3], np.int32)}
    np.testing.assert_allclose(model(inputs), trained.model(inputs), rtol=0, atol=1e-6)


def test_runs_of_annotate(tmp_path):
    keras.utils.set_random_seed(1)
    model = AnnotationModel((6, 2), (3, 1), 5, num_mixtures=2, expert_bias=False)
    model.build()
    run = tmp_path / "runs" / "mean_rgb+cdml" / "mixtures2"
    run.mkdir(parents=True)
    model.save(run / "model.keras")
    export(ExportConfig(str(run), output_dir=str(tmp_path / "out"), format=("hf",)))
    loaded = yt8m_models.load_model(str(tmp_path / "out" / "hf"))
    features = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    inputs = {"video_matrix": features}
    np.testing.assert_allclose(loaded(inputs), model(inputs), rtol=0, atol=1e-6)
    content = json.loads((tmp_path / "out" / "hf" / "config.json").read_text("utf-8"))
    assert (content["feature_names"], content["step"]) == (["mean_rgb", "cdml"], None)


def test_what_is_read_again_is_compared(train_dir, tmp_path, monkeypatch):
    def read_zeros(folder):
        model, record = read(folder)
        for weight in model.weights:
            weight.assign(np.zeros(weight.shape))
        return model, record

    read = formats.read_folder
    monkeypatch.setattr(formats, "read_folder", read_zeros)
    config = ExportConfig(train_dir, output_dir=str(tmp_path / "out"), format=("hf",))
    with pytest.raises(ValueError, match="--format=hf: what was written gives predictions that"):
        export(config)
    assert not list(tmp_path.iterdir())
