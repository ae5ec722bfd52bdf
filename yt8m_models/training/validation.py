"""Validation at each checkpoint, and the best checkpoint."""

import logging
import math
from collections.abc import Mapping
from typing import Protocol

import keras
import tensorflow as tf

from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.history import History, Row
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.train_dir import BEST, VALIDATION_HISTORY, checkpoint_paths

_PATIENCE = 5
_RISE = 0.02
_SUBJECT = "validation_subject"
_VALUE = "{}/.ATTRIBUTES/VARIABLE_VALUE"  # the name of a variable in a checkpoint
_LOGGER = logging.getLogger(__name__)


class Measure(Protocol):
    """Tells how good the model in training is; a call gives the value of each column.

    Attributes:
        columns: of `validation.csv`; those that are not whole numbers are scalars for TensorBoard.
        best: the column by which the best checkpoint is chosen.
        is_loss: whether the lowest is the best, instead of the highest.
        subject: of what; the best of another subject is not compared.
    """

    columns: tuple[str, ...]
    best: str
    is_loss: bool
    subject: str = ""

    def __call__(self) -> Row: ...

    def describe(self, row: Row) -> str:
        """The values as part of a line."""


class Validation:
    """Measures the model in training and keeps its best checkpoint in `train_dir/best`.

    The best value is stored in the best checkpoint, so that the two change together. Warns, once,
    where a loss was more than 2 % above its best in the last 5 validations.

    Args:
        train_dir: of the training.
        measure: what the model is measured by.
        model: the model in training.
        step: its step, as a variable.
        summaries: where the values go for TensorBoard, as `validation/…`.

    Attributes:
        step: the step that was validated last; -1 before.
    """

    def __init__(
        self,
        train_dir: str,
        measure: Measure,
        model: keras.Model,
        step: tf.Variable,
        summaries: ScalarWriter,
    ) -> None:
        self._measure = measure
        self._step = step
        self._summaries = summaries
        directory = join(train_dir, BEST)
        name = f"validation_{measure.best}"
        worst = math.inf if measure.is_loss else -math.inf
        best = _stored(directory, name, measure.subject, worst)
        self._best = tf.Variable(best, dtype=tf.float32)
        self._checkpoints = Checkpoints(
            directory,
            keep=1,
            model=model,
            step=step,
            **{name: self._best, _SUBJECT: tf.Variable(measure.subject)},
        )
        self._history = History(
            join(train_dir, VALIDATION_HISTORY),
            ("step", *measure.columns),
            resumed_step=int(step.numpy()),
        )
        self.step = int(self._history.rows[-1]["step"]) if self._history.rows else -1
        self._has_warned = False

    def evaluate(self, epoch: Mapping[str, int]) -> str:
        """Measures, records the values, saves the best model; a line that says so.

        Args:
            epoch: the column `epoch`, if there is one.
        """
        self.step = int(self._step.numpy())
        row = self._measure()
        self._history.append({"step": self.step, **epoch, **row})
        self._history.flush()
        scalars = {
            f"validation/{name}": value for name, value in row.items() if isinstance(value, float)
        }
        self._summaries.write(self.step, scalars)
        self._summaries.flush()
        value = row[self._measure.best]
        is_best = value < self.best if self._measure.is_loss else value > self.best
        if is_best:
            self._best.assign(value)
            self._checkpoints.save(self.step)
        elif self._measure.is_loss and not self._has_warned:
            self._warn_of_rise()
        return (
            f"validation at step {self.step:,}: {self._measure.describe(row)}"
            f"{'  (the best)' if is_best else ''}"
        )

    @property
    def num_since_best(self) -> int:
        """How many validations there were after the best; 0 before the first."""
        values = [row[self._measure.best] for row in self._history.rows]
        if not values:
            return 0
        best = min(values) if self._measure.is_loss else max(values)
        return len(values) - 1 - values.index(best)

    @property
    def best(self) -> float:
        """The best value so far; infinitely bad before the first."""
        return float(self._best.numpy())

    def _warn_of_rise(self) -> None:
        losses = [row[self._measure.best] for row in self._history.rows[-_PATIENCE:]]
        if len(losses) < _PATIENCE or min(losses) <= (1 + _RISE) * self.best:
            return
        self._has_warned = True
        _LOGGER.warning(
            "the validation loss fell to %.4f, was higher in the last %d validations, and is %.4f "
            "at step %d: the model now learns the training records by heart. The best checkpoint "
            "stays in best/ and is what other programs take, so that training can be ended, as "
            "--early_stopping_patience does by itself; a lower --base_learning_rate or more "
            "regularisation may help",
            *(self.best, _PATIENCE, losses[-1], self.step),
        )


def _stored(directory: str, name: str, subject: str, missing: float) -> float:
    """A number in the best checkpoint of an earlier run; `missing` without one of the subject."""
    for path in reversed(checkpoint_paths(directory)):
        try:
            reader = tf.train.load_checkpoint(path)
            key = _VALUE.format(_SUBJECT)
            if reader.has_tensor(key) and reader.get_tensor(key) != subject.encode():
                return missing
            return float(reader.get_tensor(_VALUE.format(name)))
        except (tf.errors.OpError, LookupError, RuntimeError) as error:
            _LOGGER.warning("The best checkpoint %s cannot be read: %s", path, error)
    return missing
