"""Small records and flags for the tests of the experiments."""

import numpy as np
import pytest

from yt8m_models.config import ModelConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.experiments.cdml import experiment as cdml
from yt8m_models.experiments.dsgmm import experiment as dsgmm
from yt8m_models.experiments.dsgmm.config import FrameDataConfig, TablesConfig, TrainingFlags

NUM_CLASSES = 6


def _records(num_videos, seed):
    """Videos with frames around a prototype of their label; the second feature is noise."""
    prototypes = np.random.default_rng(1).integers(0, 256, (NUM_CLASSES, 8))
    rng = np.random.default_rng(seed)
    for video in range(num_videos):
        label, frames = int(rng.integers(NUM_CLASSES)), int(rng.integers(3, 12))
        rgb = np.clip(prototypes[label] + rng.normal(0, 60, (frames, 8)), 0, 255).astype(np.uint8)
        audio = rng.integers(0, 256, (frames, 4), dtype=np.uint8)
        yield frame_record(f"v{video:03}".encode(), [label], {"rgb": rgb, "audio": audio})


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A directory with `train.tfrecord`, `validate.tfrecord` and `test.tfrecord`."""
    directory = tmp_path_factory.mktemp("experiments")
    for seed, (name, count) in enumerate({"train": 40, "validate": 20, "test": 30}.items()):
        write_records(directory / f"{name}.tfrecord", _records(count, seed))
    return directory


@pytest.fixture
def config(records, tmp_path):
    """Table 2, two rows and two seeds."""
    return TablesConfig(
        tables=(2,),
        figures=(),
        rows=("average", "netvlad"),
        seeds=(0, 1),
        train_data_pattern=str(records / "train.tfrecord"),
        validation_data_pattern=str(records / "validate.tfrecord"),
        test_data_pattern=str(records / "test.tfrecord"),
        output_dir=str(tmp_path / "out"),
    )


@pytest.fixture
def training():
    """Two steps of 20 videos, each with a checkpoint, which is validated on every frame."""
    return TrainingFlags(
        batch_size=20,
        base_learning_rate=0.1,
        max_steps=2,
        export_model_steps=1,
        jit_compile=False,
        eval_sample_frames=0,
        top_k=3,
    )


@pytest.fixture
def data():
    return FrameDataConfig(
        feature_names=("rgb", "audio"), feature_sizes=(8, 4), num_classes=NUM_CLASSES
    )


@pytest.fixture
def model():
    return ModelConfig(num_clusters=4, hidden_size=4, iterations=5)


@pytest.fixture
def in_process(monkeypatch):
    """Runs in this process instead of one of their own; a list of their names."""
    done = []

    def run(function, run, interruption):
        done.append(run.name)
        return function(run)

    for experiment in (cdml, dsgmm):
        monkeypatch.setattr(experiment, "in_own_process", run)
    return done
