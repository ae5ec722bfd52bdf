"""The frame pipeline against a bare read of the same TFRecord files."""

import statistics
import time
from pathlib import Path

import tensorflow as tf

from benchmarks.figure import Figure
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic

_DATA = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
_NUM_VIDEOS = 4096
_NUM_SHARDS = 8
_BATCH_SIZE = 128
_PASSES = 2
_REPETITIONS = 5


def figures(workdir: Path) -> list[Figure]:
    """Videos/s of the pipeline, sampling 30 frames and taking all 300, over those of a bare read.

    The bare read takes the records of the same files and does nothing with them. The files lie in
    the page cache, and are so many that the start of a pass (some 0.1 s) counts as little as it
    does in a real data set. One measurement of each kind follows the other, and the figures are
    medians of the ratios of neighbours, so that other work on the machine hits both.
    """
    files = write_synthetic(
        SyntheticConfig(str(workdir), num_videos=_NUM_VIDEOS, num_shards=_NUM_SHARDS)
    )
    datasets = {
        "bare": _bare(files),
        "sampled": _pipeline(files, PipelineOptions(_BATCH_SIZE, _PASSES, sample_frames=30)),
        "all": _pipeline(files, PipelineOptions(_BATCH_SIZE, _PASSES)),
    }
    for dataset in datasets.values():
        _videos_per_second(dataset)
    rounds = [
        {name: _videos_per_second(dataset) for name, dataset in datasets.items()}
        for _ in range(_REPETITIONS)
    ]
    return [
        _figure("frame pipeline, 30 sampled frames, over a bare read", 0.60, "sampled", rounds),
        _figure("frame pipeline, all frames as uint8, over a bare read", 0.28, "all", rounds),
    ]


def _bare(files: list[str]) -> tf.data.Dataset:
    """The records, file by file, which is faster than several files at a time in the cache."""
    settings = tf.data.Options()
    settings.autotune.enabled = False  # as in the pipeline
    return tf.data.TFRecordDataset(files).repeat(_PASSES).with_options(settings)


def _pipeline(files: list[str], options: PipelineOptions) -> tf.data.Dataset:
    return Pipeline(files, _DATA, options).dataset


def _videos_per_second(dataset: tf.data.Dataset) -> float:
    start = time.perf_counter()
    for _ in dataset:
        pass
    return _PASSES * _NUM_VIDEOS / (time.perf_counter() - start)


def _figure(name: str, bound: float, kind: str, rounds: list[dict[str, float]]) -> Figure:
    detail = {
        f"{key} videos/s": statistics.median(speeds[key] for speeds in rounds)
        for key in ("bare", kind)
    }
    ratio = statistics.median(speeds[kind] / speeds["bare"] for speeds in rounds)
    return Figure(name, ratio, bound, detail=detail)
