"""Folders for the Hub: models of every class come back, and nothing else is made of them."""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import yt8m_models
from tests.hub.models import EACH, predict
from yt8m_models.hub import source
from yt8m_models.hub.folder import read_folder
from yt8m_models.hub.record import HubRecord

pytest.importorskip("safetensors", reason="needs the extra `hub`")

HERE = Path(__file__).parent
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def recorded():
    """What TensorFlow gave of every model, by `models.py`."""
    with np.load(HERE / "predictions.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", EACH)
def test_every_backend_predicts_as_tensorflow_did(name, written, recorded):
    assert name in recorded, "python -m tests.hub.models records what TensorFlow gives of it"
    folder, model = written(name)
    loaded = yt8m_models.load_model(str(folder))
    record = HubRecord.read(folder)
    assert type(loaded) is type(model)
    found = predict(loaded, record)
    np.testing.assert_array_equal(found, predict(model, record))
    np.testing.assert_allclose(found, recorded[name], rtol=0, atol=TOLERANCE)


def test_a_folder_that_yt8m_export_wrote_on_tensorflow():
    folder = HERE / "written_by_tensorflow"
    model = yt8m_models.load_model(str(folder))
    with np.load(folder / "self_check.npz") as arrays:
        check = dict(arrays)
    inputs = {name: check[name] for name in ("video_matrix", "num_frames")}
    found = keras.ops.convert_to_numpy(model(inputs))
    np.testing.assert_allclose(found, check["predictions"], rtol=0, atol=TOLERANCE)
    assert np.ptp(found, axis=0).min() > 1e-3  # videos differ by more than the tolerance


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="about the other backends")
def test_tensorflow_is_not_imported(written):
    folder, _ = written("DSGMMModel")
    yt8m_models.load_model(str(folder))
    assert "tensorflow" not in sys.modules


def test_the_record_says_what_a_model_takes_and_gives(written):
    folder, _ = written("MoeModel")
    content = json.loads((folder / "config.json").read_text("utf-8"))
    assert (content["class_name"], content["format_version"]) == ("VideoLevelModel", 1)
    assert content["settings"]["data"]["feature_sizes"] == [6, 2]
    assert content["settings"]["config"]["moe_num_mixtures"] == 2
    assert content["class_names"] == [*"abcdé"]
    assert (content["output"], content["dequantize"]) == ("predictions", None)
    assert content["keras_version"] == keras.__version__
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "config.json", "model.safetensors")
    ]


def test_the_card_has_the_metadata_of_the_hub(written):
    folder, _ = written("frames")
    text = (folder / "README.md").read_text("utf-8")
    assert text.startswith(
        '---\nlibrary_name: yt8m-models\nlicense: "apache-2.0"\npipeline_tag: feature-extraction\n'
        "tags:\n- keras\n- youtube-8m\n- feature-extraction\n---\n"
    )
    assert "rgb (6) and audio (2), it gives an embedding of 4 dimensions" in text
    assert "`best/model.ckpt-1200`, of step 1,200." in text
    assert 'embeddings = model({"video_matrix": video_matrix, "num_frames": num_frames})' in text
    content = json.loads((folder / "config.json").read_text("utf-8"))
    assert content["dequantize"] == {"scale": 4 / 255, "bias": 4 / 512 - 2}
    assert (content["output"], content["class_names"]) == ("embeddings", None)


def test_the_folder_of_an_export_with_other_formats(written, capsys):
    folder, _ = written("MoeModel")
    folder.rename(folder.with_name("hf"))
    yt8m_models.load_model(str(folder.parent))
    assert capsys.readouterr().out == f"Model: MoeModel of step 1,200: {folder.parent}/hf\n"


def test_frames_are_sampled_at_random_where_that_is_asked_for(written):
    folder, model = written("FrameLevelLogisticModel")
    frames = np.random.default_rng(0).normal(size=(1, 40, 8)).astype("float32")
    inputs = {"video_matrix": frames, "num_frames": np.array([40], np.int32)}
    sampling = yt8m_models.load_model(str(folder), sample_frames=1)
    found = {float(sampling(inputs)[0, 0]) for _ in range(5)}
    assert len(found) > 1
    assert found != {float(model(inputs)[0, 0])}
    with pytest.raises(ValueError, match=r"sample_frames must be at least 0; received -1"):
        yt8m_models.load_model(str(folder), sample_frames=-1)
    with pytest.raises(ValueError, match=r"checkpoint must be auto for .*; received best"):
        yt8m_models.load_model(str(folder), checkpoint="best")


def test_sampling_is_for_frames(written):
    folder, _ = written("MoeModel")
    with pytest.raises(ValueError, match="sample_frames needs a frame-level model"):
        yt8m_models.load_model(str(folder), sample_frames=3)


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {}}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("class_name", "Lambda", "class_name must be one of FrameLevelModel, .* 'Lambda'"),
        ("class_name", "os.system", "class_name must be one of .*; received 'os.system'"),
        ("class_name", "VideoLevelModel", "settings of VideoLevelModel must be config, data; "),
        ("settings", {}, "must be config, data, sample_frames; there are none"),
        ("settings", 3, "settings must be an object; it is 3"),
        ("settings.dtype", LAMBDA, "must be config, data, sample_frames; there are .*dtype"),
        ("settings.config.hidden_activation", LAMBDA, "hidden_activation must be a number, a text"),
        ("settings.data.feature_sizes", [[6], 2], "feature_sizes must be a number, a text or a "),
        ("settings.config.other", 1, "settings of FrameLevelModel are not right: .*other"),
        ("settings.config.pooling", "lambda", "--pooling=lambda"),
        ("settings.data.num_classes", 0, "--num_classes must be at least 1"),
        ("kind", "other", "kind must be classifier or embedding; it is 'other'"),
        ("format_version", 2, "format_version must be 1; it is 2"),
        ("class_names", ["a"], "class_names must be as many as output_size=5; there are 1"),
    ],
)
def test_other_settings_are_refused(key, value, message, written):
    folder, _ = written("DSGMMModel")
    path = folder / "config.json"
    content = json.loads(path.read_text("utf-8"))
    *outer, last = key.split(".")
    functools.reduce(dict.__getitem__, outer, content)[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as error:
        read_folder(folder)
    assert str(path) in str(error.value)


def test_a_record_that_lacks_a_value_is_refused(written):
    folder, _ = written("MoeModel")
    path = folder / "config.json"
    path.write_text(path.read_text("utf-8").replace('"license"', '"licence"'))
    with pytest.raises(ValueError, match="not a model of yt8m export: it lacks 'license'"):
        read_folder(folder)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"3", b"[" * 100_000])
def test_a_damaged_record_is_refused(content, written):
    folder, _ = written("MoeModel")
    (folder / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"config\.json: not a model of yt8m export"):
        read_folder(folder)


def test_weights_of_another_model_are_refused(written):
    folder, _ = written("DSGMMModel")
    content = json.loads((folder / "config.json").read_text("utf-8"))
    content["settings"]["config"]["num_clusters"] = 7
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"model\.safetensors does not have the weights .* \(46, 3\)"
    ):
        read_folder(folder)


@pytest.fixture
def hub(monkeypatch):
    """A client of the Hub that has one model, and what it was asked for."""
    asked = []

    class Client:
        folder = None

        @classmethod
        def snapshot_download(cls, name, revision, allow_patterns):
            asked.append((name, revision, allow_patterns))
            if cls.folder is None:
                raise OSError("404 not found")
            return str(cls.folder)

    monkeypatch.setitem(sys.modules, "huggingface_hub", Client)
    return Client, asked


@pytest.mark.parametrize(
    ("name", "revision"),
    [("user/dsgmm-64", None), ("user/dsgmm-64@v1.0", "v1.0"), ("hf://user/dsgmm-64", None)],
)
def test_an_id_is_downloaded(name, revision, hub, written):
    folder, model = written("DSGMMModel")
    client, asked = hub
    client.folder = folder
    loaded = yt8m_models.load_model(name)
    assert asked == [("user/dsgmm-64", revision, ["config.json", "model.safetensors"])]
    record = HubRecord.read(folder)
    np.testing.assert_array_equal(predict(loaded, record), predict(model, record))


def test_what_the_hub_does_not_have(hub):
    message = "user/none is not here, and cannot be loaded from the Hugging Face Hub: 404 not found"
    with pytest.raises(ValueError, match=message):
        yt8m_models.load_model("user/none")


def test_the_extra_is_named_where_it_is_not_installed(monkeypatch, written):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        ValueError, match=r"user/none is not here.*pip install 'yt8m-models\[hub\]'"
    ):
        yt8m_models.load_model("user/none")
    folder, _ = written("MoeModel")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ValueError, match=r"safetensors is needed .* 'yt8m-models\[hub\]'"):
        yt8m_models.load_model(str(folder))


@pytest.mark.parametrize(
    "name", ["/models/dsgmm", "./dsgmm", "../models/dsgmm", "dsgmm", "a/b/c", "s3://bucket/dsgmm"]
)
def test_paths_are_no_ids(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert not source.is_hub_source(name)
    with pytest.raises(ValueError, match=r"is neither a folder with config\.json nor an id"):
        source.folder_of(name)


def test_a_directory_that_is_here_is_no_id(monkeypatch, tmp_path):
    (tmp_path / "models" / "dsgmm").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert not source.is_hub_source("models/dsgmm")
    assert source.is_hub_source("models/other")
