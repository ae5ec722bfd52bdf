"""What an exported directory holds beside the models, and what is refused."""

import io
import json
import sys
import tarfile
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.export import exporting, formats
from yt8m_models.export.__main__ import PROGRAM
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.export_dir import EXPORT_DIR
from yt8m_models.export.exporting import export
from yt8m_models.export.trained_model import load_trained_model
from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.prediction.model_archive import pack_model
from yt8m_models.program.command import UsageError
from yt8m_models.training.checkpoints import Checkpoints, restore_model


def test_the_record_the_labels_and_the_card(classifier, write, tmp_path):
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text("Index,Name\n0,Game\n2,Music  video\n3,Car\n9,Other\n")
    trained = classifier("FrameLevelLogisticModel")
    directory, record = write(
        trained, "keras", vocabulary=str(vocabulary), top_k=50, license="CC-BY-4.0"
    )
    assert (directory / "labels.txt").read_text() == "Game\n1\nMusic video\nCar\n4\n"
    read = EXPORT_DIR.read(directory)
    assert {name: read[name] for name in list(record)[:14]} == {
        "kind": "classifier",
        "format_version": 1,
        "model": "FrameLevelLogisticModel",
        "module": "yt8m_models.models.frame_level",
        "feature_names": ("rgb", "audio"),
        "feature_sizes": (6, 2),
        "frame_features": True,
        "max_frames": 300,
        "input_type": "float32",
        "output": "predictions",
        "output_size": 5,
        "top_k": 5,
        "class_names_file": "labels.txt",
        "quantize": "none",
    }
    written = read["formats"]["keras"]
    assert (written["path"], written["bytes"]) == (
        "model.keras",
        (directory / "model.keras").stat().st_size,
    )
    assert written["deviation"] < 1e-6
    assert (read["checkpoint"], read["step"], read["flags"]["pooling"]) == (
        "model.ckpt-7",
        7,
        "average",
    )
    assert read["versions"]["keras"] == keras.__version__
    card = (directory / "model_card.md").read_text()
    assert card.startswith("---\nlicense: CC-BY-4.0\n")
    assert "rgb (6) and audio (2), it gives predictions of 5 classes" in card
    assert "| `model.keras` | `keras.saving.load_model`, after `import yt8m_models.mod" in card
    assert '"pooling": "average"' in card
    assert "- tensorflow 2." in card


def test_another_form_of_the_directory_and_damage_are_noticed(classifier, write):
    directory, _ = write(classifier("LogisticModel"), "keras")
    path = directory / "export.json"
    text = path.read_text()
    path.write_text(text.replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(ValueError, match="format_version must be 1; it is 2"):
        EXPORT_DIR.read(directory)
    path.write_text(text)
    (directory / "model.keras").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"model\.keras is not what yt8m export wrote there"):
        EXPORT_DIR.read(directory)


@pytest.mark.parametrize("name", ["DSGMMModel", "MoeModel"])
def test_the_self_check_is_of_records_with_padding(name, classifier, write):
    trained = classifier(name)
    directory, _ = write(trained, "keras")
    with np.load(directory / "self_check.npz") as arrays:
        check = dict(arrays)
    inputs = {key: check[key] for key in ("video_matrix", "num_frames")}
    found = trained.model(inputs).numpy()
    np.testing.assert_allclose(found, check["predictions"], atol=1e-6)
    assert check["record_sizes"].sum() == len(check["records"])
    assert check["video_ids"].tolist() == [b"c000", b"c001", b"c002", b"c003"]
    if trained.data.frame_features:
        assert check["num_frames"].tolist() == [12, 5, 1, 0]
        assert check["video_matrix"][3].any()  # the padding is noise


def test_the_keras_archive_is_plain(classifier, write):
    """Safe mode reads it; it holds no code, as a Lambda or a pickle would be."""
    trained = classifier("NetVLADModelLF", assignment="spherical")
    directory, _ = write(trained, "keras")
    with zipfile.ZipFile(directory / "model.keras") as archive:
        names = sorted(archive.namelist())
        config = json.loads(archive.read("config.json"))
    assert names == ["config.json", "metadata.json", "model.weights.h5"]
    assert config["registered_name"] == "yt8m_models>FrameLevelModel"
    assert "Lambda" not in json.dumps(config)
    model = keras.saving.load_model(directory / "model.keras", safe_mode=True)
    inputs = {
        "video_matrix": np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32"),
        "num_frames": np.array([9, 4], np.int32),
    }
    np.testing.assert_allclose(model(inputs), trained.model(inputs), atol=1e-6)


def test_a_training_and_an_archive_of_it(train_dir, tmp_path, capsys):
    output = tmp_path / "exports" / "one"
    record = export(ExportConfig(train_dir, output_dir=str(output), format=("keras",)))
    assert (record["checkpoint"], record["step"]) == ("model.ckpt-1", 1)
    printed = capsys.readouterr().out
    assert "Model: FrameLevelLogisticModel of step 1" in printed
    assert "keras: writing …\nkeras: 0.0" in printed
    assert sorted(path.name for path in output.parent.iterdir()) == ["one"]

    pack_model(restore_model(train_dir), str(tmp_path / "model.tgz"))
    packed = ExportConfig(
        input_model_tgz=str(tmp_path / "model.tgz"),
        output_dir=str(tmp_path / "two"),
        format=("keras",),
    )
    assert export(packed)["flags"] == record["flags"]
    checks = [np.load(path / "self_check.npz") for path in (output, tmp_path / "two")]
    np.testing.assert_array_equal(*(check["predictions"] for check in checks))


HOSTILE = {
    "absolute": (tarfile.TarInfo("/etc/cron.d/job"), "leaves the directory"),
    "parent": (tarfile.TarInfo("../../.bashrc"), "leaves the directory"),
    "link": (tarfile.TarInfo("model.ckpt-1.index"), "is neither a regular file nor a directory"),
}
HOSTILE["link"][0].type, HOSTILE["link"][0].linkname = tarfile.SYMTYPE, "/etc/passwd"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name, tmp_path):
    member, reason = HOSTILE[name]
    path = tmp_path / "hostile.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member, io.BytesIO())
    config = ExportConfig(input_model_tgz=str(path), output_dir=str(tmp_path / "out"))
    with pytest.raises(ValueError, match=rf"member '{member.name}' {reason}"):
        export(config)
    assert [each.name for each in tmp_path.iterdir()] == ["hostile.tgz"]


def test_nothing_stays_of_a_file_that_gives_something_else(train_dir, tmp_path, monkeypatch):
    def write_nothing(trained, config, check, path):
        with open(path, "wb"):
            return float("nan")

    monkeypatch.setitem(formats.WRITERS, "onnx", write_nothing)
    monkeypatch.setattr(exporting, "require", lambda name, extra: None)
    monkeypatch.setattr("yt8m_models.export.model_card._LIBRARIES", {})
    config = ExportConfig(train_dir, output_dir=str(tmp_path / "out"), format=("keras", "onnx"))
    with pytest.raises(ValueError, match="--format=onnx: what was written gives predictions that"):
        export(config)
    assert not list(tmp_path.iterdir())


def test_refusals(train_dir, classifier, write, tmp_path, monkeypatch):
    def refused(message, **flags):
        flags = {"train_dir": train_dir, "output_dir": str(tmp_path / "new"), **flags}
        with pytest.raises(ValueError, match=message):
            export(ExportConfig(**flags))

    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    (full / "file").touch()
    empty.mkdir()
    refused("full exists already and is not empty", output_dir=str(full))
    refused("empty holds no trained model: no model_flags.json", train_dir=str(empty))
    refused("no checkpoint in .*/best", checkpoint="best")
    refused("did you mean saved_model", format=("savedmodel",))
    refused("--output_dir must be given", output_dir="")
    refused("give either --train_dir or --input_model_tgz", input_model_tgz="model.tgz")
    refused("--quantize=dynamic is for --format=onnx and litert", quantize="dynamic")
    refused("s3://bucket/out must be a local directory", output_dir="s3://bucket/out")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    refused(r"tf2onnx is needed .* 'yt8m-models\[export\]'", format=("onnx",))
    monkeypatch.setitem(sys.modules, "safetensors", None)
    refused(r"safetensors is needed .* 'yt8m-models\[hub\]'", format=("hf",))
    assert [path.name for path in (full / "file", *empty.iterdir())] == ["file"]
    with pytest.raises(ValueError, match="--input_type=uint8 is for frame-level models"):
        write(classifier("MoeModel"), "keras", input_type="uint8")


@pytest.mark.parametrize(
    ("name", "message"),
    [("MoeModel", "takes video-level mean_rgb,mean_audio"), ("rgb", "takes frame-level rgb")],
)
def test_mediapipe_is_for_frames_of_rgb_and_audio(name, message, classifier, write):
    if name == "rgb":
        data = DataConfig(("rgb",), (6,), True, num_classes=5)
        trained = classifier("FrameLevelLogisticModel", data)
    else:
        trained = classifier(name)
    with pytest.raises(ValueError, match=f"--format=mediapipe .* this one {message}"):
        write(trained, "mediapipe")


def test_a_training_of_an_embedding(tower, tmp_path):
    tower = tower("frames")
    names, sizes = tower.data.feature_names, tower.data.feature_sizes
    train_dir = str(tmp_path / "training")
    ModelRecord(tower.model.config, names, sizes).write(train_dir)
    step = tf.Variable(3, dtype=tf.int64)
    Checkpoints(train_dir, keep=1, model=tower.model, step=step).save(3)
    record = export(ExportConfig(train_dir, output_dir=str(tmp_path / "out"), format=("keras",)))
    assert (record["kind"], record["output"]) == ("embedding", "embeddings")
    assert (record["output_size"], record["class_names_file"]) == (4, None)
    assert (record["checkpoint"], record["step"]) == ("model.ckpt-3", 3)
    assert record["flags"]["pooling"] == "dsgmm"
    assert not (tmp_path / "out" / "labels.txt").exists()
    with np.load(tmp_path / "out" / "self_check.npz") as check:
        np.testing.assert_allclose(np.linalg.norm(check["embeddings"], axis=1), 1, atol=1e-6)
        inputs = {name: check[name] for name in ("video_matrix", "num_frames")}
        np.testing.assert_allclose(check["embeddings"], tower.model(inputs), atol=1e-6)


def test_runs_of_annotate(tmp_path):
    keras.utils.set_random_seed(1)
    model = AnnotationModel((6, 2), (3, 1), 5, num_mixtures=2)
    model.build()
    run = tmp_path / "runs" / "mean_rgb+cdml" / "mixtures2"
    run.mkdir(parents=True)
    model.save(run / "model.keras")
    trained = load_trained_model(str(run))
    assert (trained.kind, trained.output_size) == ("classifier", 5)
    assert trained.data.feature_names == ("mean_rgb", "cdml")
    inputs = {"video_matrix": np.random.default_rng(0).normal(size=(3, 8)).astype("float32")}
    np.testing.assert_array_equal(trained.model(inputs), model(inputs))
    record = export(ExportConfig(str(run), output_dir=str(tmp_path / "out")))
    assert record["formats"]["saved_model"]["deviation"] < 1e-6
    assert record["flags"] == {"components": [3, 1], "num_mixtures": 2, "moe_l2": 1e-8}
    with pytest.raises(ValueError, match="--checkpoint must be auto"):
        load_trained_model(str(run), "best")
    (run / "model.keras").write_bytes(b"PK but no archive")
    with pytest.raises(ValueError, match=r"model\.keras cannot be read"):
        load_trained_model(str(run))


def test_an_annotation_model_elsewhere_has_no_features(tmp_path):
    model = AnnotationModel((6, 2), (3, 1), 5, num_mixtures=2)
    model.build()
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="must be runs/FEATURES/mixturesN"):
        load_trained_model(str(tmp_path))
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="must be an AnnotationModel; it is a Sequential"):
        load_trained_model(str(tmp_path))


def test_the_flags_of_the_command(train_dir, tmp_path):
    arguments = PROGRAM.parse(
        [f"--train_dir={train_dir}", f"--output_dir={tmp_path}/new", "--format=onnx,litert"]
    )
    config = arguments[ExportConfig]
    assert (config.format, config.quantize, config.top_k) == (("onnx", "litert"), "none", 20)
    with pytest.raises(UsageError, match="--format=onnyx: did you mean onnx"):
        PROGRAM.parse([f"--train_dir={train_dir}", "--output_dir=x", "--format=onnyx"])
