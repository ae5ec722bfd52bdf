"""The frame pipeline against a bare read of the same TFRecord files."""

import statistics
from collections import deque
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.figure import Figure
from benchmarks.step_limit import DATA
from benchmarks.timing import in_turn
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic

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
    sampled, whole = (
        Pipeline(files, DATA, PipelineOptions(_BATCH_SIZE, _PASSES, sample_frames=count)).dataset
        for count in (30, 0)
    )
    bare, *others = in_turn(
        _REPETITIONS,
        *(partial(deque, dataset, maxlen=0) for dataset in (_bare(files), sampled, whole)),
    )
    kinds = [("sampled", "30 sampled frames", 0.60), ("all", "all frames as uint8", 0.28)]
    return [
        Figure(
            f"frame pipeline, {title}, over a bare read",
            float(np.median(np.divide(bare, seconds))),
            bound,
            detail={
                "bare videos/s": _PASSES * _NUM_VIDEOS / statistics.median(bare),
                f"{kind} videos/s": _PASSES * _NUM_VIDEOS / statistics.median(seconds),
            },
        )
        for (kind, title, bound), seconds in zip(kinds, others, strict=True)
    ]


def _bare(files: list[str]) -> tf.data.Dataset:
    """The records, file by file, which is faster than several files at a time in the cache."""
    settings = tf.data.Options()
    settings.autotune.enabled = False  # as in the pipeline
    return tf.data.TFRecordDataset(files).repeat(_PASSES).with_options(settings)
