"""Small records and flags for the tests of training."""

import dataclasses

import numpy as np
import pytest

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.training.config import TrainConfig

NUM_CLASSES = 6
DATA = DataConfig(("rgb", "audio"), (8, 4), frame_features=True, num_classes=NUM_CLASSES)
MODEL = ModelConfig("FrameLevelLogisticModel", iterations=5)


def frame_records(num_videos, seed, empty=(), shift=0):
    """Videos with frames around a prototype of their label; those in `empty` have no frames.

    With a `shift` the labels are wrong by so much.
    """
    prototypes = np.random.default_rng(1).integers(0, 256, (NUM_CLASSES, 8))
    rng = np.random.default_rng(seed)
    for video in range(num_videos):
        label = int(rng.integers(NUM_CLASSES))
        frames = 0 if video in empty else int(rng.integers(3, 12))
        rgb = np.clip(prototypes[label] + rng.normal(0, 30, (frames, 8)), 0, 255).astype(np.uint8)
        audio = rng.integers(0, 256, (frames, 4), dtype=np.uint8)
        label = (label + shift) % NUM_CLASSES
        yield frame_record(f"v{video:03}".encode(), [label], {"rgb": rgb, "audio": audio})


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A directory with `train0.tfrecord` to `train2.tfrecord`, 40 videos each; `val.tfrecord`."""
    directory = tmp_path_factory.mktemp("records")
    for shard in range(3):
        write_records(directory / f"train{shard}.tfrecord", frame_records(40, seed=shard))
    write_records(directory / "val.tfrecord", frame_records(30, seed=9))
    return directory


@pytest.fixture
def config(records, tmp_path):
    """Trains 3 batches of 40 videos in each of 2 epochs, in a directory that does not exist yet."""
    return TrainConfig(
        train_dir=str(tmp_path / "model"),
        train_data_pattern=str(records / "train*.tfrecord"),
        batch_size=40,
        num_epochs=2,
        base_learning_rate=0.1,
        log_steps=1,
        top_k=3,
        seed=1,
        jit_compile=False,
    )


@pytest.fixture
def change():
    """`dataclasses.replace`, under a name that reads well in tests."""
    return dataclasses.replace
