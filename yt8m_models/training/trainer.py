"""The training loop."""

import time
from typing import Any

import keras
import tensorflow as tf

import losses
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import PipelineOptions
from yt8m_models.models import create_model
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join
from yt8m_models.training.batches import Position, TrainingBatches
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.finite_steps import FiniteSteps
from yt8m_models.training.history import History
from yt8m_models.training.initialization import initialize_clusters
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.precision import LossScale, mixed_precision
from yt8m_models.training.report import COLUMNS, Report
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.schedule import StaircaseDecay
from yt8m_models.training.step import StepOutputs, TrainStep
from yt8m_models.training.strategy import Workers, create_strategy, split_batch
from yt8m_models.training.train_dir import (
    SUMMARIES,
    TRAINING_HISTORY,
    record_model_flags,
    remove_training,
)
from yt8m_models.training.validation import Validation


def train(config: TrainConfig, data: DataConfig, model_config: ModelConfig) -> dict[str, Any]:
    """Trains a model, from the beginning or from the latest checkpoint of `config.train_dir`.

    Returns:
        `step` reached, `epochs` finished, `loss` of the last logged step (`None` where this run
        took none), `checkpoint` (the path of the latest), `best_validation_loss` (`None` without
        validation), and `signal`, the number of the signal that ended training, or `None`.

    Raises:
        ValueError: a flag does not fit the records or the directory, a record is bad, the directory
            belongs to another model or holds no checkpoint that can be read, or the loss became
            infinite or not a number. The last good checkpoint stays.
    """
    tf.debugging.set_log_device_placement(config.log_device_placement)
    keras.utils.set_random_seed(config.seed)
    with Interruption() as interruption:
        return Trainer(config, data, model_config, interruption).run()


class Trainer:
    """A training run, from reading the flags to the last checkpoint; see `train`."""

    def __init__(
        self,
        config: TrainConfig,
        data: DataConfig,
        model_config: ModelConfig,
        interruption: Interruption,
    ) -> None:
        self.config = config
        self.data = data
        self.model_config = model_config.resolved()
        self.interruption = interruption
        self.strategy = create_strategy(config.strategy)
        self.workers = Workers(self.strategy)
        if self.workers.count > 1 and config.max_steps is None:
            raise ValueError(
                "--max_steps must be given with several workers, which end at the same step; "
                "received none"
            )
        self.files = _match("train_data_pattern", config.train_data_pattern)
        self.eval_files = _match("eval_data_pattern", config.eval_data_pattern)
        self.schedule = StaircaseDecay(
            config.base_learning_rate,
            config.learning_rate_decay,
            int(config.learning_rate_decay_examples),
            config.batch_size * self.strategy.num_replicas_in_sync,
        )
        with self.strategy.scope(), mixed_precision(config.mixed_precision):
            self.model = create_model(model_config, data)
            self.optimizer = create_optimizer(config.optimizer, self.schedule)
            self.optimizer.build(self.model.trainable_variables)
            self.loss_scale = LossScale() if config.mixed_precision == "float16" else None
        self.step = 0
        self.position = Position(0, 0)
        self.epoch = 0
        self.checkpoint: str | None = None
        self._variables = {
            name: tf.Variable(0, dtype=tf.int64, name=name) for name in ("step", "epoch", "batch")
        }
        self._checkpoints = Checkpoints(
            config.train_dir,
            config.keep_checkpoints,
            optimizer=config.optimizer,
            model=self.model,
            # Under its name: the state of one optimizer must not be taken for that of another.
            **{config.optimizer: self.optimizer},
            random_state=_random_state(self.model),
            **({} if self.loss_scale is None else {"loss_scale": self.loss_scale}),
            **self._variables,
        )
        self._finite = FiniteSteps(self._rate)
        self._saved: tuple[int, Position] | None = None
        self._saved_at = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Trains to the end or to a signal; what `train` returns."""
        filesystems.require(self.config.train_dir)
        self._prepare_directory()
        self._wait_for_workers()
        self._restore()
        if self.checkpoint is None:
            initialize_clusters(self.model, self.config)
        if self._is_over():
            print(
                f"Nothing to do in {self.config.train_dir}: {self._done()}. "
                "Raise --num_epochs or --max_steps to train on."
            )
            return self._result(None, None)
        summaries = ScalarWriter(self._written_by_chief(SUMMARIES))
        validation = self._create_validation(summaries)
        batches = self._create_batches()
        with self._create_report(summaries) as report:
            self._loop(batches, report, validation)
        summaries.close()
        if summary := batches.summary():
            print(f"Training records: {summary}")
        if validation and (summary := validation.summary()):
            print(f"Validation records: {summary}")
        print(f"{'Stopped early' if self.interruption.signal else 'Trained'}: {self._done()}.")
        return self._result(report.loss, validation)

    def _loop(
        self, batches: TrainingBatches, report: Report, validation: Validation | None
    ) -> None:
        train_step = self._create_step()
        pieces = self.config.gradient_accumulation_steps
        unlogged = None
        is_last_epoch_over = False
        for batch, position in batches:
            tensors = {name: value for name, value in batch.items() if name != "video_ids"}
            outputs = train_step(*split_batch(tensors, self.strategy, self.workers, pieces))
            self._finite.add(outputs.is_finite)
            self.step += 1
            self.position = position
            self.epoch = position.epoch + 1
            report.count(len(batch["num_frames"]))
            unlogged = (batch, outputs)
            if self.step % self.config.log_steps == 0:
                self._log(report, *unlogged)
                unlogged = None
            if self._is_checkpoint_due():
                self._save(report)
                self._validate(report, validation)
                report.restart_clock()
            if self._ends_early():
                break
            if position.batch == 1 and batches.batches_per_epoch and self.workers.count == 1:
                self._set_total(report, batches.batches_per_epoch)
        else:
            is_last_epoch_over = True
        if unlogged is not None:
            self._log(report, *unlogged)
        if is_last_epoch_over:
            self.position = Position(self.config.num_epochs, 0)
        self._save(report)
        if self.interruption.signal is None:
            self._validate(report, validation)

    def _prepare_directory(self) -> None:
        if not self.workers.is_chief:
            return
        train_dir = self.config.train_dir
        if self.config.start_new_model:
            remove_training(train_dir)
        record_model_flags(train_dir, self.model_config, self.data, self.config.label_loss)

    def _wait_for_workers(self) -> None:
        """Returns once all workers are here, so that what the chief did is there for all."""
        if self.workers.count > 1:
            ones = self.strategy.run(lambda: tf.ones(()))
            self.strategy.reduce(tf.distribute.ReduceOp.SUM, ones, axis=None)

    def _restore(self) -> None:
        self.checkpoint = self._checkpoints.restore_latest()
        if self.checkpoint is None:
            return
        self.step, epoch, batch = (int(variable.numpy()) for variable in self._variables.values())
        self.position = Position(epoch, batch)
        self.epoch = epoch + (batch > 0)
        self._saved = (self.step, self.position)
        self.schedule.start = self.step - int(self.optimizer.iterations.numpy())
        print(f"Resuming from {self.checkpoint}: {self._done()}.")

    def _create_step(self) -> TrainStep:
        from_logits = self.config.label_loss == "CrossEntropyLoss" and self.model.has_logits
        return TrainStep(
            self.model,
            self.optimizer,
            losses.CrossEntropyLoss(from_logits=True)
            if from_logits
            else losses.get(self.config.label_loss),
            from_logits=from_logits,
            regularization_penalty=self.config.regularization_penalty,
            clip_gradient_norm=self.config.clip_gradient_norm,
            clip_mode=self.config.clip_mode,
            strategy=self.strategy,
            jit_compile=self.config.jit_compile,
            loss_scale=self.loss_scale,
        )

    def _create_batches(self) -> TrainingBatches:
        frames = self.model_config.iterations if self.data.frame_features else 0
        options = PipelineOptions(
            batch_size=self.config.batch_size * self.workers.num_local_replicas,
            num_epochs=self.config.num_epochs if self.workers.count == 1 else None,
            shuffle=True,
            seed=self.config.seed,
            sample_frames=int(frames or 0),
            sample_random_frames=self.model_config.sample_random_frames,
            num_readers=self.config.num_readers,
            drop_remainder=self.workers.count > 1,
            deterministic=self.config.deterministic,
            skip_empty_videos=True,
            max_bad_records=self.config.max_bad_records,
            num_workers=self.workers.count,
            worker_index=self.workers.index,
        )
        return TrainingBatches(
            self.files,
            self.data,
            options,
            start=self.position,
            divisor=self.workers.num_local_replicas,
        )

    def _create_report(self, summaries: ScalarWriter) -> Report:
        history = History(self._written_by_chief(TRAINING_HISTORY), COLUMNS, self.step)
        return Report(
            history,
            summaries,
            self.data.num_classes,
            self.config.top_k,
            self.step,
            self.config.max_steps,
        )

    def _written_by_chief(self, name: str) -> str | None:
        return join(self.config.train_dir, name) if self.workers.is_chief else None

    def _create_validation(self, summaries: ScalarWriter) -> Validation | None:
        if not self.eval_files or not self.workers.is_chief:
            return None
        return Validation(
            self.config, self.data, self.eval_files, self.model, self._variables["step"], summaries
        )

    def _log(self, report: Report, batch: dict[str, tf.Tensor], outputs: StepOutputs) -> None:
        self._finite.check(self.step, self.checkpoint)
        report.log(self.step, self.epoch, self._rate(self.step), batch, outputs)

    def _save(self, report: Report) -> None:
        """Writes a checkpoint unless the latest one is of this very place."""
        state = (self.step, self.position)
        if self.step == 0 or self._saved == state:
            return
        self._finite.check(self.step, self.checkpoint)
        if not all(_is_finite(variable.value) for variable in self.model.variables):
            self._finite.fail(self.step, self.checkpoint)
        for variable, value in zip(
            self._variables.values(), (self.step, *self.position), strict=True
        ):
            variable.assign(value)
        if self.workers.is_chief:
            report.flush()
            path = self._checkpoints.save(self.step)
            if path != self.checkpoint:
                report.write(f"saved {path}")
            self.checkpoint = path
        self._saved, self._saved_at = state, time.monotonic()

    def _validate(self, report: Report, validation: Validation | None) -> None:
        if validation is not None and validation.step != self.step:
            report.write(validation.evaluate(self.step, self.epoch))

    def _rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        return float(self.schedule(step - 1 - self.schedule.start))

    def _is_checkpoint_due(self) -> bool:
        minutes = self.config.save_checkpoint_minutes
        return self.step % self.config.export_model_steps == 0 or (
            minutes > 0 and time.monotonic() - self._saved_at >= 60 * minutes
        )

    def _ends_early(self) -> bool:
        return self.interruption.signal is not None or self.step == self.config.max_steps

    def _is_over(self) -> bool:
        max_steps = self.config.max_steps
        if self.workers.count == 1 and self.position.epoch >= self.config.num_epochs:
            return True
        return max_steps is not None and self.step >= max_steps

    def _set_total(self, report: Report, batches_per_epoch: int) -> None:
        epochs_left = self.config.num_epochs - self.position.epoch
        total = self.step - 1 + batches_per_epoch * epochs_left
        max_steps = self.config.max_steps
        report.set_total(total if max_steps is None else min(total, max_steps))

    def _done(self) -> str:
        return f"{self.step:,} steps, {self.position.epoch} epochs" + (
            f" and {self.position.batch:,} batches" if self.position.batch else ""
        )

    def _result(self, loss: float | None, validation: Validation | None) -> dict[str, Any]:
        return {
            "step": self.step,
            "epochs": self.position.epoch,
            "loss": loss,
            "checkpoint": self.checkpoint,
            "best_validation_loss": None if validation is None else validation.best_loss,
            "signal": self.interruption.signal,
        }


def _random_state(model: keras.Model) -> list[tf.Variable]:
    """The state of what is random inside the model, which is none of its weights: dropout."""
    weights = {id(weight) for weight in model.weights}
    return [variable.value for variable in model.variables if id(variable) not in weights]


def _match(flag: str, pattern: str) -> list[str]:
    """The files of a pattern; none for an empty one."""
    try:
        return match_files(pattern) if pattern else []
    except ValueError as error:
        raise ValueError(f"--{flag}: {error}") from error


def _is_finite(value: tf.Tensor) -> bool:
    return not value.dtype.is_floating or bool(tf.reduce_all(tf.math.is_finite(value)))
