"""`train`: a training, and what it gave."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import pandas as pd

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.prediction.loading import load_model
from yt8m_models.program.interruption import raise_interruption
from yt8m_models.storage.whole_file import join
from yt8m_models.training import trainer
from yt8m_models.training.__main__ import PROGRAM
from yt8m_models.training.checkpoints import chosen_checkpoints
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import TRAINING_HISTORY, VALIDATION_HISTORY, step_of


@dataclass(frozen=True)
class Training:
    """What a training gave.

    Attributes:
        train_dir: its directory.
        step: steps that were trained, those of earlier runs counted.
        epochs: passes over the records that were finished.
        checkpoint: the path of the one that `model` has: the best by validation loss, or without
            validation the latest.
    """

    train_dir: str
    step: int
    epochs: int
    checkpoint: str

    @functools.cached_property
    def model(self) -> keras.Model:
        """The trained model, loaded when it is first asked for; see `load_model`."""
        return load_model(self.train_dir, checkpoint=self.checkpoint)

    @functools.cached_property
    def metrics(self) -> Mapping[str, float]:
        """Of the checkpoint: `loss`, `hit_at_one`, `perr`, `gap`, … on the validation records, or
        without validation those of the training batch that was logged last."""
        step = step_of(self.checkpoint)
        validated = [row for row in self.validation.to_dict("records") if row["step"] == step]
        logged = [row for row in self.history.to_dict("records") if row["step"] <= step]
        return next(iter(validated or logged[-1:]), {})

    @property
    def history(self) -> pd.DataFrame:
        """A row for each logged step: `step`, `loss`, `gap`, `learning_rate`, …."""
        return pd.DataFrame(read_history(join(self.train_dir, TRAINING_HISTORY)))

    @property
    def validation(self) -> pd.DataFrame:
        """A row for each checkpoint that was validated: `step`, `loss`, `gap`, …."""
        return pd.DataFrame(read_history(join(self.train_dir, VALIDATION_HISTORY)))


def train(config: Mapping[str, Any] | None = None, **settings: Any) -> Training:
    """Trains a model as `yt8m train` does, and resumes what its directory holds.

    Args:
        config: settings by name, such as of a JSON file; those given by keyword go before.
        **settings: the flags of `yt8m train`, also those of the original programs, with the same
            defaults and rules: `train_dir`, `train_data_pattern`, `feature_names`, `model`, ….

    Raises:
        ValueError: a setting is unknown or wrong, does not fit the records or the directory, or a
            record is bad; the message names it as a flag.
        KeyboardInterrupt: training was interrupted; its last step is saved, and the same call goes
            on from it.

    Example:
        >>> training = yt.train(train_dir="models/netvlad", train_data_pattern="train*.tfrecord",
        ...                     eval_data_pattern="validate*.tfrecord", frame_features=True,
        ...                     feature_names=["rgb", "audio"], feature_sizes=[1024, 128],
        ...                     model="NetVLADModelLF", num_epochs=2)
        >>> training.metrics["gap"], training.model
    """
    arguments = PROGRAM.settings(**{**(config or {}), **settings})
    flags = arguments[TrainConfig]
    if flags.list_models:
        raise ValueError("--list_models is for the command line: `yt8m train --list_models`")
    trainer.use_deterministic_operations(flags)
    result = trainer.train(flags, arguments[DataConfig], arguments[ModelConfig])
    raise_interruption(result["signal"])
    checkpoint = chosen_checkpoints(flags.train_dir, "auto")[-1]
    return Training(flags.train_dir, result["step"], result["epochs"], checkpoint)
