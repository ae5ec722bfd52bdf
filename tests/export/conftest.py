"""Small models and trainings for the tests of exports."""

import keras
import numpy as np
import pytest

from yt8m_models.config import DataConfig, ModelConfig, model_flags
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.export.config import ExportConfig
from yt8m_models.export.exporting import write_export
from yt8m_models.export.trained_model import TrainedModel
from yt8m_models.models import create_model
from yt8m_models.presets import FRAME_LEVEL
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import train

NUM_CLASSES = 5
SIZES = {
    "num_clusters": 4,
    "hidden_size": 3,
    "nextvlad_groups": 4,
    "attention_heads": 2,
    "attention_size": 3,
    "recurrent_cells": 3,
}
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


@pytest.fixture
def write(tmp_path):
    """`write(trained, *formats, **flags)`: exports a model; the directory and the record."""

    def write_to_new(trained, *formats, **flags):
        directory = tmp_path / "exported"
        directory.mkdir()
        config = ExportConfig("trained", output_dir=str(directory), format=formats, **flags)
        return directory, write_export(trained, config, directory)

    return write_to_new


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
