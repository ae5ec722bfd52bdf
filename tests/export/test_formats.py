"""Every preset, pooling and assignment: what was written gives what the Keras model gives."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import ASSIGNMENTS, DataConfig, ModelConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.exporting import write_export
from yt8m_models.export.saved_model import SavedModelSession
from yt8m_models.poolings import POOLINGS
from yt8m_models.presets import FRAME_LEVEL, PRESETS

pytest.importorskip("tf2onnx", reason="needs the extra `export`")
Interpreter = pytest.importorskip(
    "ai_edge_litert.interpreter", reason="needs the extra `export`"
).Interpreter

STATISTICS = ("weights", "means", "covariances")
FEW = [
    ("MoeModel", {}),
    ("DbofModel", {}),  # the largest of no frames is no infinity
    ("DSGMMModel", {"assignment": "diagonal"}),
]
ALL = [
    *((name, {}) for name in PRESETS),
    *(
        ("DSGMMModel", {"pooling": pooling})
        for pooling in POOLINGS
        if pooling not in {ModelConfig(name).resolved().pooling for name in FRAME_LEVEL}
    ),
    *(("NetVLADModelLF", {"assignment": each}) for each in ASSIGNMENTS if each != "decoupled"),
    ("GruModel", {"recurrent_backward": True, "recurrent_state": "all"}),
    ("DSGMMModel", {"assignment": "diagonal", "statistics": STATISTICS}),
    ("DSGMMModel", {"frame_layers": (7, 4)}),
    ("NeXtVLADModel", {"per_feature_l2_norm": True}),
]
SHAPES = ((1, 1), (33, 7), (2, 300))  # videos, and frames of each with its padding


def batches(takes_frames, input_type):
    """Batches of random videos, the first of which has all its frames, and of the others some."""
    rng = np.random.default_rng(0)
    for count, length in SHAPES:
        if takes_frames:
            num_frames = rng.integers(0, length + 1, count).astype(np.int32)
            num_frames[0] = length
            frames = rng.integers(0, 256, (count, length, 8), np.uint8)
            frames = frames if input_type == "uint8" else dequantize(frames)
            yield {"video_matrix": frames, "num_frames": num_frames}
        else:
            yield {"video_matrix": rng.normal(size=(count, 8)).astype("float32")}


def without_padding(model, inputs):
    """What a model gives of each video alone, of its valid frames."""
    if "num_frames" not in inputs:
        return model(inputs).numpy()
    videos = zip(inputs["video_matrix"], inputs["num_frames"], strict=True)
    return np.concatenate(
        [
            model(
                {
                    "video_matrix": frames[None, : max(count, 1)],
                    "num_frames": np.array([count], np.int32),
                }
            ).numpy()
            for frames, count in videos
        ]
    )


def deviations_of_all(models, tmp_path, input_type="float32", **flags):
    """The largest deviation of each model in a session, onnxruntime and LiteRT."""
    found, listing = {}, []
    for number, (name, trained) in enumerate(models.items()):
        directory = tmp_path / f"{number}"
        directory.mkdir()
        takes_frames = trained.data.frame_features
        flags = {**flags, "input_type": input_type if takes_frames else "float32"}
        formats = ("saved_model", "onnx", "litert")
        config = ExportConfig("trained", output_dir=str(directory), format=formats, **flags)
        write_export(trained, config, directory)
        arrays, in_session = {}, []
        with SavedModelSession(str(directory / "saved_model")) as session:
            for index, inputs in enumerate(batches(takes_frames, flags["input_type"])):
                expected = without_padding(trained.model, inputs)
                arrays |= {f"{key}_{index}": value for key, value in inputs.items()}
                arrays[f"expected_{index}"] = expected
                is_uint8 = flags["input_type"] == "uint8"
                signature = "quantized_features" if is_uint8 else "features"
                given = session(signature, inputs)[trained.output]
                in_session.append(float(np.max(np.abs(given - expected))))
        np.savez(directory / "batches.npz", **arrays)
        listing.append([str(directory), str(directory / "batches.npz")])
        found[name] = {"saved_model": max(in_session)}
    Path(tmp_path, "listing.json").write_text(json.dumps(listing))
    script = Path(__file__).with_name("run_without_tensorflow.py")
    printed = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "listing.json")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name, values in zip(found, json.loads(printed), strict=True):
        found[name] |= values
    return found


def larger_than(bound, found):
    return {name: values for name, values in found.items() if not max(values.values()) < bound}


def named(classifier, cases):
    return {f"{name} {overrides}": classifier(name, **overrides) for name, overrides in cases}


@pytest.mark.parametrize("cases", [FEW, pytest.param(ALL, marks=pytest.mark.slow, id="all")])
def test_models_for_any_number_of_videos_and_frames(cases, classifier, tmp_path):
    models = named(classifier, cases)
    found = deviations_of_all(models, tmp_path)
    assert len(found) == len(cases)
    assert not larger_than(1e-6, found)


@pytest.mark.slow
def test_embeddings(tower, tmp_path):
    models = {fusion: tower(fusion) for fusion in ("early", "late", "frames")}
    models["coupled"] = tower("frames", pooling="netvlad", assignment="shared_diagonal")
    assert not larger_than(1e-6, deviations_of_all(models, tmp_path))


@pytest.mark.slow
def test_frames_as_they_are_recorded(classifier, tmp_path):
    models = named(classifier, [("DSGMMModel", {}), ("LstmModel", {})])
    assert not larger_than(1e-6, deviations_of_all(models, tmp_path, "uint8"))


@pytest.mark.parametrize(
    "input_type", ["float32", pytest.param("uint8", marks=pytest.mark.slow, id="uint8")]
)
def test_quantized_weights(input_type, classifier, tmp_path):
    """Wide enough that the converters quantise them: LiteRT leaves small weights alone."""
    models = named(classifier, [("DSGMMModel", {"num_clusters": 16, "hidden_size": 64})])
    found = deviations_of_all(models, tmp_path, input_type, quantize="dynamic")
    (values,) = found.values()
    assert values.pop("saved_model") < 1e-6
    assert all(1e-6 < deviation < 1e-2 for deviation in values.values()), values


def test_records_and_mediapipe_in_a_session(classifier, videos, write):
    ids, frames, records = videos
    trained = classifier("DSGMMModel")
    directory, _ = write(trained, "saved_model", "mediapipe", top_k=3)
    cut = [each[:300] for each in frames]  # as `max_frames` says
    expected = np.concatenate(
        [
            trained.model(
                {"video_matrix": each[None], "num_frames": np.array([len(each)], np.int32)}
            )
            for each in cut
        ]
    )
    with SavedModelSession(str(directory / "saved_model")) as session:
        found = session("serving_default", {"example_bytes": np.array(records, object)})
    order = np.argsort(-expected, axis=1)[:, :3]
    assert {name: values.dtype.name for name, values in found.items()} == {
        "video_id": "object",
        "class_indexes": "int32",
        "predictions": "float32",
    }
    assert found["video_id"].tolist() == ids
    np.testing.assert_array_equal(found["class_indexes"], order)
    best = np.take_along_axis(expected, order, axis=1)
    np.testing.assert_allclose(found["predictions"], best, atol=1e-6)

    padded = np.full((3, 300, 8), 9, np.float32)
    for row, each in enumerate(cut):
        padded[row, : len(each)] = dequantize(each)
    num_frames = np.array([[len(each)] for each in cut], np.int32)
    with SavedModelSession(str(directory / "mediapipe")) as session:
        found = session("serving_default", {"rgb_and_audio": padded, "num_frames": num_frames})
    assert list(found) == ["predictions"]
    np.testing.assert_allclose(found["predictions"], expected, atol=1e-6)


def test_a_saved_model_has_its_variables_once(classifier, write):
    trained = classifier("LogisticModel")
    directory, _ = write(trained, "saved_model")
    stored = tf.train.list_variables(str(directory / "saved_model" / "variables" / "variables"))
    shapes = sorted(shape for name, shape in stored if name.endswith("VARIABLE_VALUE"))
    assert shapes == sorted(list(weight.shape) for weight in trained.model.weights)


def test_records_of_video_level_and_their_embeddings(classifier, tower, video_records, tmp_path):
    features, records = video_records
    for trained in (classifier("LogisticModel"), tower("late")):
        directory = tmp_path / trained.kind
        directory.mkdir()
        config = ExportConfig("trained", output_dir=str(directory), top_k=5)
        write_export(trained, config, directory)
        with SavedModelSession(str(directory / "saved_model")) as session:
            found = session("serving_default", {"example_bytes": np.array(records, object)})
        expected = trained.model({"video_matrix": features}).numpy()
        if trained.kind == "classifier":
            expected = -np.sort(-expected, axis=1)
        assert found["video_id"].tolist() == [b"dddd", b"eeee"]
        np.testing.assert_allclose(found[trained.output], expected, atol=1e-6)


def test_mediapipe_gives_rgb_first_whatever_the_order_of_the_model(classifier, write):
    data = DataConfig(("audio", "rgb"), (2, 6), True, num_classes=5)
    trained = classifier("FrameLevelLogisticModel", data)
    directory, _ = write(trained, "mediapipe")
    frames = np.random.default_rng(1).normal(size=(1, 4, 8)).astype("float32")
    inputs = {"rgb_and_audio": frames, "num_frames": np.array([[4]], np.int32)}
    with SavedModelSession(str(directory / "mediapipe")) as session:
        (found,) = session("serving_default", inputs).values()
    audio_first = np.concatenate([frames[..., 6:], frames[..., :6]], axis=-1)
    expected = trained.model({"video_matrix": audio_first, "num_frames": np.array([4], np.int32)})
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_litert_has_no_operations_of_tensorflow(classifier, write):
    directory, _ = write(classifier("LstmModel"), "litert")
    interpreter = Interpreter(str(directory / "model.tflite"))
    names = {each["op_name"] for each in interpreter._get_ops_details()}
    assert "WHILE" in names
    assert not [name for name in names if name.startswith("Flex")]
