"""Frames in clusters, as arrays and as records, for the tests of the UBM."""

import dataclasses

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.gmm.config import UBMConfig

DATA = DataConfig(("rgb", "audio"), (8, 4), frame_features=True, num_classes=6)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def change():
    """`dataclasses.replace`, under a name that reads well in tests."""
    return dataclasses.replace


@pytest.fixture
def clustered():
    """`clustered(rng, n, clusters, features)`: frames of a mixture with one full covariance."""

    def draw(rng, n=2000, clusters=5, features=6):
        mixing = np.eye(features) + 0.3 * rng.normal(size=(features, features))
        means = 2.5 * rng.normal(size=(clusters, features))
        noise = rng.normal(size=(n, features)) @ mixing
        return (means[rng.integers(clusters, size=n)] + noise).astype(np.float32)

    return draw


def videos(count, seed):
    """Quantised frames `(frames, 12)` of each video: rgb around 6 centres, audio around 3."""
    centers = np.random.default_rng(1).integers(40, 216, (6, 12))
    rng = np.random.default_rng(seed)
    for _ in range(count):
        frames = int(rng.integers(1, 15))
        rgb, audio = centers[rng.integers(6, size=frames)], centers[rng.integers(3, size=frames)]
        means = np.concatenate([rgb[:, :8], audio[:, 8:]], axis=1)
        noisy = means + rng.normal(0, 50, means.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def quantised():
    """All frames of `records`, uint8 `(n, 12)`, file by file."""
    return np.concatenate([frames for seed in range(2) for frames in videos(60, seed)])


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A directory with `train0.tfrecord` and `train1.tfrecord`, 60 videos each."""
    directory = tmp_path_factory.mktemp("records")
    for shard in range(2):
        write_records(
            directory / f"train{shard}.tfrecord",
            (
                frame_record(b"abcd", [index % 6], {"rgb": frames[:, :8], "audio": frames[:, 8:]})
                for index, frames in enumerate(videos(60, shard))
            ),
        )
    return directory


@pytest.fixture
def config(records, tmp_path):
    """Trains 6 and 3 clusters, in a directory that does not exist yet."""
    return UBMConfig(
        train_data_pattern=str(records / "train*.tfrecord"),
        output_dir=str(tmp_path / "ubm"),
        num_clusters=6,
        max_iterations=5,
        tolerance=0.0,
    )
