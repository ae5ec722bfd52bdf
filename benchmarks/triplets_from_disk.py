"""Training on triplets whose features do not stay in memory, against its step alone."""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure
from benchmarks.mining import BATCH_SIZE, triplet_step
from benchmarks.timing import seconds_of
from benchmarks.watch_data import FEATURES, video_name
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.embedding.training.trainer import train
from yt8m_models.features.feature_table import write_features
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.storage.mapped_rows import memory_bytes
from yt8m_models.training.history import read_history

BOUND = 0.8
_SIZES = (1024, 128)
_OF_MEMORY = 0.6  # more than half, from which on rows are asked of the disk
_BLOCK = 50_000
_EDGES = 1_000_000
_STEPS = 9
_TURNS = 3


def figures(workdir: Path) -> list[Figure]:
    """Triplets/s of training over those of its step alone; late fusion 4000-256, 7,200 triplets.

    The table has six tenths of the memory, and none of it is in memory when the training begins:
    20,000 videos a step are spread over it, so that hardly one is read a second time. The speed of
    training is the median of those that it logs, without the first, whose step is compiled; that of
    the step is the median of turns before and after it, as machines drift.
    """
    num_videos = int(_OF_MEMORY * memory_bytes()) // sum(_SIZES)
    write_features(workdir / "features", _blocks(num_videos), FEATURES, _SIZES)
    _write_graph(workdir / "graph", num_videos)
    step = triplet_step(BATCH_SIZE)
    step()  # compiles
    step_seconds = [seconds_of(step) for _ in range(_TURNS)]
    _drop_from_memory(workdir / "features" / "features.npy")
    training_speed = _training_speed(workdir)
    step_seconds += [seconds_of(step) for _ in range(_TURNS)]
    step_speed = BATCH_SIZE / statistics.median(step_seconds)
    name = "training on triplets from a table that is not in memory, over its step alone"
    detail = {
        "step triplets/s": step_speed,
        "training triplets/s": training_speed,
        "gigabytes of features": num_videos * sum(_SIZES) / 1e9,
    }
    return [Figure(name, training_speed / step_speed, BOUND, detail=detail)]


def _training_speed(workdir: Path) -> float:
    config = EmbeddingTrainConfig(
        train_dir=str(workdir / "model"),
        graph_dir=str(workdir / "graph"),
        features_dir=str(workdir / "features"),
        batch_size=BATCH_SIZE,
        max_steps=_STEPS,
        log_steps=1,
        validation_fraction=0,
        projector_videos=0,
    )
    train(config, EmbeddingConfig())
    rows = read_history(f"{config.train_dir}/training.csv")
    return statistics.median(row["triplets_per_second"] for row in rows[1:])


def _blocks(num_videos: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    features = np.random.default_rng(0).integers(0, 256, (_BLOCK, sum(_SIZES)), np.uint8)
    for start in range(0, num_videos, _BLOCK):
        count = min(_BLOCK, num_videos - start)
        yield _names(np.arange(start, start + count)), features[:count]


def _names(videos: np.ndarray) -> np.ndarray:
    return np.array([video_name(video) for video in videos.tolist()], np.bytes_)


def _write_graph(directory: Path, num_videos: int) -> None:
    """Edges between videos from all over the table."""
    pairs = np.sort(np.random.default_rng(1).choice(num_videos, (_EDGES, 2)))
    pairs = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
    videos, places = np.unique(pairs, return_inverse=True)
    graph = CoWatchGraph.from_edges(
        VideoIds(_names(videos)),
        places.reshape(-1, 2),
        np.ones(len(pairs), np.int64),
        np.zeros(len(videos), bool),
    )
    graph.save(directory)


def _drop_from_memory(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
