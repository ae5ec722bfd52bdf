"""A run: training, the checkpoint with the lowest validation loss, the test records."""

import dataclasses
import math
import time

import keras
import tensorflow as tf

from yt8m_models.experiments.common.runs import RESULT
from yt8m_models.experiments.dsgmm.measuring import measure
from yt8m_models.experiments.dsgmm.runs import Result, Run
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.gmm.trainer import train_ubm
from yt8m_models.gmm.ubm_dir import UBM_DIR
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import VALIDATION_HISTORY
from yt8m_models.training.trainer import train


def train_and_measure(run: Run) -> Result | None:
    """Does a run, from where an earlier try stopped, and writes its result.

    Returns:
        The result; `None` where a signal ended the training.

    Raises:
        ValueError: as from `train`, or the test records are wrong.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    config = run.training if run.ubm is None else _with_background_model(run, run.ubm)
    if train(config, run.data, run.model)["signal"] is not None:
        return None
    restored = restore_model(config.train_dir, "best")
    measurement = measure(restored, run.test_data_pattern, config)
    validated = read_history(join(config.train_dir, VALIDATION_HISTORY))
    result = Result(
        settings=run.settings,
        seed=config.seed,
        metrics=measurement.metrics,
        validation_loss=min(row["loss"] for row in validated),
        step=restored.step,
        seconds=round(time.monotonic() - start, 1),
        num_parameters=_size(restored.model.trainable_variables),
        videos=measurement.videos,
        correct=measurement.correct,
    )
    result.write(join(run.directory, RESULT))
    return result


def _size(variables: list[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _with_background_model(run: Run, ubm: UBMConfig) -> TrainConfig:
    """The run's training with its background model, which is trained unless it is there."""
    if not tf.io.gfile.exists(join(ubm.output_dir, UBM_DIR.record)):
        train_ubm(ubm, run.data)
    return dataclasses.replace(run.training, ubm_dir=ubm.output_dir)
