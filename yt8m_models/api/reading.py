"""`read`: records as a data set of TensorFlow."""

import os
from typing import Any

import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.parsing import Batch
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.program.command import Program

_DATA = Program("read", "The format of records.", DataConfig)


def read(
    pattern: str | os.PathLike[str],
    *,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool = False,
    seed: int = 0,
    sample_frames: int = 0,
    sample_random_frames: bool = True,
    num_readers: int = 8,
    max_bad_records: int = 0,
    as_supervised: bool = False,
    **data: Any,
) -> tf.data.Dataset:
    """The labelled batches of records, as a training reads them.

    A batch is a dict of `video_ids`, string `(batch,)`; `video_matrix`, `(batch, T, D)` and 0 past
    `num_frames`: uint8 as recorded, or float32 with `float_frames`; at video level float32
    `(batch, D)`; `num_frames`, int32 `(batch,)`; `labels`, bool `(batch, num_classes)`; and with
    `segment_labels` also `label_weights`, float32 `(batch, num_classes)`.

    Args:
        pattern: file patterns with commas between, or `@file` with a path a line.
        batch_size: videos in a batch; the last one may have fewer.
        num_epochs: passes over the records; `None` reads for ever.
        shuffle: a new order in each pass.
        seed: of the order and of the sampled frames. The same seed gives the same batches.
        sample_frames: frames that are drawn from each video; 0 takes all.
        sample_random_frames: draw single frames, with replacement; otherwise one run of frames.
        num_readers: files that are read at the same time.
        max_bad_records: skip up to this many bad records.
        as_supervised: give `(inputs, labels)`, or `(inputs, labels, label_weights)`, with labels as
            float32, as `keras.Model.fit` takes them.
        **data: the format of the records, by the flags of `yt8m train`: `feature_names`,
            `feature_sizes`, `frame_features`, `num_classes`, …; `vars(model.data)` of a model that
            `train` or `load_model` gave.

    Raises:
        ValueError: no file matches, or a value is wrong; the message names it. A bad record raises
            an error of TensorFlow where it is read, and `yt8m inspect` names it.

    Example:
        >>> batches = yt.read("train*.tfrecord", feature_names=["rgb"], feature_sizes=[1024],
        ...                   frame_features=True, shuffle=True)
    """
    config = _DATA.settings(**data)[DataConfig]
    options = PipelineOptions(
        batch_size=batch_size,
        num_epochs=num_epochs,
        shuffle=shuffle,
        seed=seed,
        sample_frames=sample_frames,
        sample_random_frames=sample_random_frames,
        num_readers=num_readers,
        max_bad_records=max_bad_records,
    )
    batches = Pipeline(match_files(os.fspath(pattern)), config, options).dataset
    return batches.map(_supervised) if as_supervised else batches


def _supervised(batch: Batch) -> tuple[Any, ...]:
    """The inputs of a model, what it is to give, and the weights of this where there are any."""
    inputs = {name: batch[name] for name in ("video_matrix", "num_frames")}
    weights = (batch["label_weights"],) if "label_weights" in batch else ()
    return (inputs, tf.cast(batch["labels"], tf.float32), *weights)
