"""What every training does beside its steps: checkpoints, curves, validation, and its end."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, Protocol

import keras
import tensorflow as tf

from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import join
from yt8m_models.training.batches import Position
from yt8m_models.training.checkpoints import AVERAGE, Checkpoints, has_average
from yt8m_models.training.history import History
from yt8m_models.training.report import Measures, Report
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.schedule import StaircaseDecay
from yt8m_models.training.train_dir import SUMMARIES, TRAINING_HISTORY
from yt8m_models.training.validation import Measure, Validation
from yt8m_models.training.weight_average import WeightAverage
from yt8m_models.training.workers import Workers

_START = Position(0, 0)


class RunFlags(Protocol):
    """The flags that a `TrainingRun` goes by; those of each training program have them."""

    @property
    def train_dir(self) -> str: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def max_steps(self) -> int | None: ...
    @property
    def log_steps(self) -> int: ...
    @property
    def export_model_steps(self) -> int: ...
    @property
    def save_checkpoint_minutes(self) -> float: ...
    @property
    def keep_checkpoints(self) -> int: ...
    @property
    def early_stopping_patience(self) -> int: ...


class TrainingRun:
    """A training in its directory, which begins anew or where the latest checkpoint is.

    A trainer calls `restore`, and within `recording` tells of each step by `advance`, which logs,
    saves and validates where that is due:

        run.restore()
        with run.recording(COLUMNS, "videos"):
            for batch in () if run.is_stopped else batches:
                outputs = step(batch)
                run.advance(outputs.is_finite, len(batch), lambda: measures_of(outputs))
                if run.is_stopped:
                    break

    Args:
        flags: where and when to save and to log.
        model: the model in training.
        optimizer: built for the model, with `schedule` as its learning rate.
        schedule: the learning rate.
        interruption: asks to stop.
        has_epochs: whether checkpoints say where in the data the run is; the step alone may do.
        seeds: of what is random outside the model.
        workers: the machines that train, all of which validate, and the chief writes files.
        average: of the weights, to validate with and to keep in checkpoints.
        **trackables: what checkpoints have besides, if the training that wrote them had it.

    Attributes:
        step: steps done.
        position: where in the data the run is.
        checkpoint: the path of the latest, or `None`.
        loss: that was logged last in this run, or `None`.
        validation: within `recording`, if there is one; the chief's.
    """

    def __init__(
        self,
        flags: RunFlags,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        schedule: StaircaseDecay,
        interruption: Interruption,
        has_epochs: bool = False,
        seeds: Sequence[keras.random.SeedGenerator] = (),
        workers: Workers | None = None,
        average: WeightAverage | None = None,
        **trackables: Any,
    ) -> None:
        self.flags = flags
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.interruption = interruption
        self.has_epochs = has_epochs
        self.workers = Workers() if workers is None else workers
        if self.workers.count > 1:  # TensorFlow takes SIGTERM then, and does nothing at it
            interruption.take_back()
        self.average = average
        self.step = 0
        self.position = _START
        self.checkpoint: str | None = None
        self.loss: float | None = None
        self.validation: Validation | None = None
        names = ("step", *Position._fields) if has_epochs else ("step",)
        self._numbers = {name: tf.Variable(0, dtype=tf.int64, name=name) for name in names}
        weights = {id(weight) for weight in model.weights}
        random = [variable for variable in model.variables if id(variable) not in weights]
        self._checkpoints = Checkpoints(
            flags.train_dir,
            flags.keep_checkpoints,
            optimizer=flags.optimizer,
            optional=("random_state", AVERAGE, *trackables),
            model=model,
            # Under its name: the state of one optimizer must not be taken for that of another.
            **{flags.optimizer: optimizer},
            random_state=[state.value for state in (*random, *(seed.state for seed in seeds))],
            **trackables,
            **({} if average is None else {AVERAGE: average}),
            **self._numbers,
        )
        self._report: Report
        self._measure: Measure | None = None
        self._has_no_new_best = False
        self._is_told_to_stop = False
        self._unlogged: Callable[[], Measures] | None = None
        self._unchecked: list[tf.Tensor] = []
        self._saved = (0, self.position)
        self._saved_at = time.monotonic()

    def restore(self) -> bool:
        """Restores the newest checkpoint that can be read; whether there is any.

        Raises:
            ValueError: none can be read, or it is of something else.
        """
        self.checkpoint = self._checkpoints.restore_latest()
        if self.checkpoint is None:
            return False
        if self.average is not None and not has_average(self.checkpoint):
            self.average.restart()
        self.step, *place = (int(variable.numpy()) for variable in self._numbers.values())
        self.position = Position(*place) if place else self.position
        self._saved = (self.step, self.position)
        self.schedule.start = self.step - int(self.optimizer.iterations.numpy())
        print(f"Resuming from {self.checkpoint}: {self.done}.")
        return True

    @contextlib.contextmanager
    def recording(
        self, columns: Sequence[str], unit: str, measure: Measure | None = None
    ) -> Iterator[None]:
        """Opens the curves; a block that ends without an error has its last step saved.

        Args:
            columns: of `training.csv`.
            unit: what a step has many of, in the plural.
            measure: what checkpoints are validated by.
        """
        directory, is_chief = self.flags.train_dir, self.workers.is_chief
        summaries = ScalarWriter(join(directory, SUMMARIES) if is_chief else None)
        self._measure = measure
        if measure is not None and is_chief:
            step = self._numbers["step"]
            self.validation = Validation(directory, measure, self.model, step, summaries)
        self._look_for_new_best()
        history = History(
            join(directory, TRAINING_HISTORY) if is_chief else None, tuple(columns), self.step
        )
        with Progress(
            self.flags.max_steps, "steps", "training", initial=self.step, line_seconds=None
        ) as progress:
            self._report = Report(progress, history, summaries, unit)
            try:
                yield
                self._log()
                self._save()
                if not self._is_interrupted:
                    self._validate()
            finally:
                self._report.flush()
        summaries.close()

    def advance(
        self,
        is_finite: tf.Tensor,
        num_examples: int,
        measures: Callable[[], Measures],
        position: Position = _START,
    ) -> None:
        """Counts a step, and logs, saves and validates where that is due.

        Args:
            is_finite: whether its loss and its gradients were, scalar bool.
            num_examples: examples in its batch.
            measures: says what to log of it.
            position: where in the data it led.

        Raises:
            ValueError: a step since the latest log or checkpoint was not finite.
        """
        self.step += 1
        self.position = position
        self._unchecked.append(is_finite)
        self._unlogged = measures
        self._report.count(num_examples)
        if self.step % self.flags.log_steps == 0:
            self._log()
            self._tell_of_signals()
        if self._is_checkpoint_due():
            self._save()
            self._validate()
            self._report.restart_clock()

    def set_total(self, steps: int) -> None:
        """Sets the number of steps to do in all, once it is known; `max_steps` bounds it."""
        self._report.progress.total = min(steps, self.flags.max_steps or steps)

    @property
    def is_stopped(self) -> bool:
        """Whether a signal came, `max_steps` are done, or validations have no new best."""
        is_over = self._is_interrupted or self.step == self.flags.max_steps
        return is_over or self._has_no_new_best

    @property
    def _is_interrupted(self) -> bool:
        """Whether a signal came; to any of several workers, which all know it."""
        return (
            self._is_told_to_stop
            if self.workers.count > 1
            else self.interruption.signal is not None
        )

    @property
    def done(self) -> str:
        """What is done, in words."""
        steps = f"{self.step:,} steps"
        if not self.has_epochs:
            return steps
        epochs, batches = self.position
        return f"{steps}, {epochs} epochs" + (f" and {batches:,} batches" if batches else "")

    def print_end(self) -> None:
        """Says how far the training got."""
        if self._has_no_new_best:
            patience = self.flags.early_stopping_patience
            print(f"{patience} validations without a new best (--early_stopping_patience).")
        print(f"{'Stopped early' if self.interruption.signal else 'Trained'}: {self.done}.")

    def result(self) -> dict[str, Any]:
        """How the run ended: `step`, `loss`, `checkpoint` and `signal`."""
        return {
            "step": self.step,
            "loss": self.loss,
            "checkpoint": self.checkpoint,
            "signal": self.interruption.signal,
        }

    def _log(self) -> None:
        """Logs the latest step unless that was done."""
        if self._unlogged is None:
            return
        self._check_finite()
        measures, self._unlogged = self._unlogged(), None
        self.loss = measures.values["loss"]
        self._report.log(self.step, self._rate(self.step), measures, self._epoch())

    def _save(self) -> None:
        """Writes a checkpoint unless the latest one is of this very place."""
        state = (self.step, self.position)
        if self.step == 0 or self._saved == state:
            return
        self._check_finite()
        if not all(_is_finite(variable.value) for variable in self.model.variables):
            self._fail(self.step)
        numbers = {"step": self.step, **self.position._asdict()}
        for name, variable in self._numbers.items():
            variable.assign(numbers[name])
        if self.workers.is_chief:
            self._report.flush()
            path = self._checkpoints.save(self.step)
            if path != self.checkpoint:
                self._report.progress.write(f"saved {path}")
            self.checkpoint = path
        self._saved, self._saved_at = state, time.monotonic()

    def _validate(self) -> None:
        """Measures the model unless that was done; the workers measure the chief's together."""
        validation, measure = self.validation, self._measure
        if measure is None:
            return
        if not self.workers.chief_says(validation is not None and validation.step != self.step):
            return
        if self.workers.count > 1:
            self._take_statistics()
        weights = contextlib.nullcontext() if self.average is None else self.average.applied()
        with weights:
            if validation is None:
                measure()
            else:
                self._report.progress.write(validation.evaluate(self._epoch()))
        self._look_for_new_best()

    def _tell_of_signals(self) -> None:
        """Lets several workers stop at the same step, one that has been waited for anyway."""
        interruption = self.interruption
        if self.workers.count > 1 and self.workers.any(interruption.signal is not None):
            self._is_told_to_stop = True
            interruption.signal = interruption.signal or signal.SIGTERM

    def _take_statistics(self) -> None:
        """Takes the chief's weights that are not trained: each worker moves statistics of its own.

        No training step reads them.
        """
        variables = self.model.non_trainable_weights
        arrays = {str(i): variable.value.numpy() for i, variable in enumerate(variables)}
        arrays = self.workers.of_chief(arrays)
        if not self.workers.is_chief:
            for i, variable in enumerate(variables):
                variable.assign(arrays[str(i)])

    def _look_for_new_best(self) -> None:
        patience, validation = self.flags.early_stopping_patience, self.validation
        if patience and self._measure is not None:
            self._has_no_new_best = self.workers.chief_says(
                validation is not None and validation.num_since_best >= patience
            )

    def _epoch(self) -> dict[str, int]:
        """The column of the epoch, counted from 1, where the data have epochs."""
        if not self.has_epochs:
            return {}
        return {"epoch": self.position.epoch + (self.position.batch > 0)}

    def _rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        return float(self.schedule(step - 1 - self.schedule.start))

    def _is_checkpoint_due(self) -> bool:
        if self.step % self.flags.export_model_steps == 0:
            return True
        minutes = self.flags.save_checkpoint_minutes
        is_over = minutes > 0 and time.monotonic() - self._saved_at >= 60 * minutes
        if self.workers.count == 1 or not minutes:
            return is_over
        # It is the chief's clock that counts, asked when a step has been waited for anyway.
        return self.step % self.flags.log_steps == 0 and self.workers.chief_says(is_over)

    def _check_finite(self) -> None:
        """Asks the device about all steps since the latest check at once."""
        is_finite = [bool(value) for value in self._unchecked]
        self._unchecked.clear()
        if not all(is_finite):
            self._fail(self.step - len(is_finite) + 1 + is_finite.index(False))

    def _fail(self, step: int) -> NoReturn:
        rate = self._rate(step)
        last_good = f"is {self.checkpoint}" if self.checkpoint else "does not exist yet"
        raise ValueError(
            f"the loss, a gradient or a weight became infinite or not a number at step {step} "
            f"(learning rate {rate:g}); the last good checkpoint {last_good}. Try a lower "
            f"--base_learning_rate, such as {rate / 10:g}"
        )


def _is_finite(value: tf.Tensor) -> bool:
    return not value.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(value)))
