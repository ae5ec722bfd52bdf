"""Small models and trainings for the tests of exports."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.small_sizes import SIZES
from yt8m_models.config import DataConfig, ModelConfig, model_flags
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.export_dir import EXPORT_DIR
from yt8m_models.export.exporting import write_export
from yt8m_models.export.trained_model import TrainedModel
from yt8m_models.models import create_model
from yt8m_models.presets import FRAME_LEVEL
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import train

NUM_CLASSES = 5
NO_HIDDEN = ("FrameLevelLogisticModel", "LstmModel", "GruModel")


def data_of(frame_features):
    names = ("rgb", "audio") if frame_features else ("mean_rgb", "mean_audio")
    return DataConfig(names, (6, 2), frame_features, num_classes=NUM_CLASSES)


@pytest.fixture(scope="session")
def classifier():
    """`classifier(preset, **overrides)`: a model with fresh weights, as if it was trained."""

    def build(name, data=None, **overrides):
        keras.utils.set_random_seed(3)
        sizes = {**SIZES, "hidden_size": 0 if name in NO_HIDDEN else 3, "gating_reduction": 2}
        if name != "NeXtVLADModel":
            del sizes["gating_reduction"]
        config = ModelConfig(model=name, **{**sizes, **overrides})
        data = data or data_of(name in FRAME_LEVEL)
        model = create_model(config, data)
        flags = model_flags(config.resolved(), data)
        return TrainedModel(
            model, "classifier", name, data, data.num_classes, flags, "model.ckpt-7", 7
        )

    return build


@pytest.fixture(scope="session")
def tower():
    """`tower(fusion)`: an embedding model with fresh weights, as if it was trained."""

    def build(fusion, **overrides):
        keras.utils.set_random_seed(3)
        data = data_of(fusion == "frames")
        config = EmbeddingConfig(
            **{
                **{"fusion": fusion, "hidden_size": (7,), "embedding_size": 4, "num_clusters": 4},
                **overrides,
            }
        )
        model = create_embedding_model(config, data.feature_names, data.feature_sizes)
        return TrainedModel(
            model, "embedding", fusion, data, 4, config.record(), "best/model.ckpt-7", 7
        )

    return build


def exported(trained, parent, **flags):
    """Exports a model to `exported` in a directory; that, and the record."""
    directory = parent / "exported"
    directory.mkdir()
    config = ExportConfig("trained", output_dir=str(directory), **flags)
    return directory, write_export(trained, config, directory)


@pytest.fixture
def write(tmp_path):
    """`write(trained, *formats, **flags)`: exports a model; the directory and the record."""

    def write_to_new(trained, *formats, **flags):
        return exported(trained, tmp_path, format=formats, **flags)

    return write_to_new


@pytest.fixture(scope="session")
def export_to_new(tmp_path_factory):
    """`export_to_new(trained, **flags)`: the same, for fixtures of a wider scope."""

    def write_to_new(trained, **flags):
        return exported(trained, tmp_path_factory.mktemp("export"), **flags)

    return write_to_new


@pytest.fixture(scope="session")
def page_example():
    """`page_example(title)`: the Python of a section of `docs/export.md`."""
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    _, *parts = re.split(r"^##+ (.*)\n", page, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))

    def code(title):
        (found,) = re.findall(r"```python\n(.*?)```", sections[title], re.DOTALL)
        return found

    return code


@pytest.fixture(scope="session")
def videos():
    """Three videos of `data_of`: bytes ids, frames uint8 `(n, 8)`, and the serialised records."""
    rng = np.random.default_rng(2)
    ids = [b"aaaa", b"bbbb", b"cccc"]
    frames = [rng.integers(0, 256, (count, 8), np.uint8) for count in (7, 1, 320)]
    records = [
        frame_record(name, [0], {"rgb": each[:, :6], "audio": each[:, 6:]})
        for name, each in zip(ids, frames, strict=True)
    ]
    return ids, frames, records


@pytest.fixture(scope="session")
def train_dir(tmp_path_factory, videos):
    """A training of one step."""
    directory = tmp_path_factory.mktemp("training")
    write_records(directory / "train.tfrecord", videos[2])
    config = TrainConfig(
        train_dir=str(directory / "model"),
        train_data_pattern=str(directory / "train.tfrecord"),
        batch_size=3,
        max_steps=1,
        jit_compile=False,
    )
    train(config, data_of(True), ModelConfig("FrameLevelLogisticModel"))
    return str(directory / "model")


@pytest.fixture(scope="session")
def video_records():
    """Two videos of `data_of(False)`: features float32 `(2, 8)`, and the serialised records."""
    features = np.random.default_rng(4).normal(size=(2, 8)).astype("float32")
    records = [
        video_record(name, [], {"mean_rgb": each[:6], "mean_audio": each[6:]})
        for name, each in zip((b"dddd", b"eeee"), features, strict=True)
    ]
    return features, records


@pytest.fixture(scope="session")
def tiny_export(tmp_path_factory):
    """`tiny_export(frame_features, input_type, kind, data)`: a directory, as of `yt8m export`.

    Its `model.onnx` is `sigmoid(mean of the valid frames · W)`, made without TensorFlow.
    """
    onnx = pytest.importorskip("onnx", reason="needs the extra `export`")

    def build(frame_features=True, input_type="float32", kind="classifier", data=None):
        helper, types = onnx.helper, onnx.TensorProto
        directory = tmp_path_factory.mktemp("tiny")
        data = data or data_of(frame_features)
        width = sum(data.feature_sizes)
        weights = np.random.default_rng(6).normal(size=(width, NUM_CLASSES)).astype(np.float32)
        constants = {"weights": weights}
        given = helper.np_dtype_to_tensor_dtype(np.dtype(input_type))
        shape = ["batch", "time", width] if frame_features else ["batch", width]
        inputs = [helper.make_tensor_value_info("video_matrix", given, shape)]
        nodes = [helper.make_node("Cast", ["video_matrix"], ["floats"], to=types.FLOAT)]
        mean = "floats"
        if frame_features:
            inputs.append(helper.make_tensor_value_info("num_frames", types.INT32, ["batch"]))
            constants |= {"last": np.array([1]), "least": np.ones(1, np.float32)}
            nodes += [
                helper.make_node("ReduceSum", ["floats", "last"], ["sum"], keepdims=0),
                helper.make_node("Cast", ["num_frames"], ["counts"], to=types.FLOAT),
                helper.make_node("Max", ["counts", "least"], ["divisors"]),
                helper.make_node("Unsqueeze", ["divisors", "last"], ["columns"]),
                helper.make_node("Div", ["sum", "columns"], ["mean"]),
            ]
            mean = "mean"
        output = "predictions" if kind == "classifier" else "embeddings"
        nodes += [
            helper.make_node("MatMul", [mean, "weights"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], [output]),
        ]
        graph = helper.make_graph(
            nodes,
            "tiny",
            inputs,
            [helper.make_tensor_value_info(output, types.FLOAT, ["batch", NUM_CLASSES])],
            [onnx.numpy_helper.from_array(values, name) for name, values in constants.items()],
        )
        opsets = [helper.make_opsetid("", 18)]
        onnx.save(
            helper.make_model(graph, opset_imports=opsets, ir_version=9), directory / "model.onnx"
        )
        (directory / "labels.txt").write_text("".join(f"class {n}\n" for n in range(NUM_CLASSES)))
        record = {
            "kind": kind,
            "format_version": 1,
            "feature_names": list(data.feature_names),
            "feature_sizes": list(data.feature_sizes),
            "frame_features": frame_features,
            "max_frames": 300,
            "input_type": input_type,
            "output": output,
            "output_size": NUM_CLASSES,
            "top_k": 2,
            "class_names_file": "labels.txt" if kind == "classifier" else None,
            "formats": {"onnx": {"path": "model.onnx"}},
            "flags": {},
        }
        EXPORT_DIR.write(directory, record, files=["model.onnx", "labels.txt"])
        return str(directory)

    return build
