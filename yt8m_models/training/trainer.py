"""The training loop."""

import functools
from typing import Any

import keras
import tensorflow as tf

import losses
from eval.evaluation_metrics import EvaluationMetrics
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.extraction_record import extraction_of
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.models import create_model
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems
from yt8m_models.training.batches import Position, TrainingBatches
from yt8m_models.training.classifier_measure import ClassifierMeasure
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.evaluator import Evaluator
from yt8m_models.training.initialization import initialize_clusters
from yt8m_models.training.lost_workers import lost_workers_named
from yt8m_models.training.mixup import WEIGHTS, mixup_weights
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.precision import LossScale, mixed_precision
from yt8m_models.training.pretrained import source_checkpoint, take_weights
from yt8m_models.training.report import Measures
from yt8m_models.training.schedule import StaircaseDecay
from yt8m_models.training.step import StepOutputs, TrainStep
from yt8m_models.training.strategy import create_strategy, split_batch
from yt8m_models.training.train_dir import record_extraction, record_model_flags, remove_training
from yt8m_models.training.training_flags import record_training_flags, resolve_training_flags
from yt8m_models.training.training_run import TrainingRun
from yt8m_models.training.weight_average import WeightAverage
from yt8m_models.training.workers import Workers

_COLUMNS = (
    *("step", "epoch", "loss", "regularization_loss", "learning_rate"),
    *("hit_at_one", "perr", "gap", "videos_per_second"),
)
_SHOWN_METRICS = {"Hit@1": "hit_at_one", "PERR": "perr", "GAP": "gap"}


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
        ConnectionError: another worker of the training is gone.
    """
    tf.debugging.set_log_device_placement(config.log_device_placement)
    keras.utils.set_random_seed(config.seed)
    with Interruption() as interruption, lost_workers_named(config.train_dir):
        return Trainer(config, data, model_config, interruption).train()


def use_deterministic_operations(config: TrainConfig) -> None:
    """Makes the GPUs of this process compute alike in every run, where the training wants that."""
    if config.deterministic and tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()


class Trainer:
    """A training run, from reading the flags to the last checkpoint; see `train`."""

    def __init__(
        self,
        config: TrainConfig,
        data: DataConfig,
        model_config: ModelConfig,
        interruption: Interruption,
    ) -> None:
        filesystems.require(config.train_dir)
        self.data = data
        self.model_config = model_config.resolved()
        self.interruption = interruption
        self.strategy = create_strategy(config.strategy)
        num_replicas = self.strategy.num_replicas_in_sync
        self.config = resolve_training_flags(config, self.model_config.model, num_replicas)
        self.workers = Workers(self.strategy)
        if config.mixup and data.segment_labels:
            raise ValueError(
                "--mixup must be 0 with --segment_labels, where classes are rated one by one; "
                f"received {config.mixup}"
            )
        self.files = match_files(config.train_data_pattern, "train_data_pattern")
        self.eval_files = (
            match_files(config.eval_data_pattern, "eval_data_pattern")
            if config.eval_data_pattern
            else []
        )
        self.extraction = extraction_of([*self.files, *self.eval_files])
        self.schedule = StaircaseDecay(
            self.config.base_learning_rate,
            self.config.learning_rate_decay,
            int(self.config.learning_rate_decay_examples),
            config.batch_size * num_replicas,
        )
        with self.strategy.scope(), mixed_precision(config.mixed_precision):
            self.model = create_model(model_config, data)
            self.optimizer = create_optimizer(config.optimizer, self.schedule)
            self.optimizer.build(self.model.trainable_variables)
            self.loss_scale = LossScale() if config.mixed_precision == "float16" else None
            self.average = WeightAverage(self.model, config.ema_decay) if config.ema_decay else None
        self.run = TrainingRun(
            config,
            self.model,
            self.optimizer,
            self.schedule,
            interruption,
            has_epochs=True,
            workers=self.workers,
            average=self.average,
            **({} if self.loss_scale is None else {"loss_scale": self.loss_scale}),
        )
        self._metrics = EvaluationMetrics(data.num_classes, config.top_k)

    def train(self) -> dict[str, Any]:
        """Trains to the end or to a signal; what the function `train` returns."""
        print(f"{self.model_config.model}: {self.config.described()}.")
        self._prepare_directory()
        self.workers.wait()
        if not self.run.restore():
            self._initialize()
        if self._is_over():
            print(
                f"Nothing to do in {self.config.train_dir}: {self.run.done}. "
                "Raise --num_epochs or --max_steps to train on."
            )
            return self._result()
        batches = self._create_batches()
        measure = self._create_measure()
        with self.run.recording(_COLUMNS, "videos", measure):
            if not self.run.is_stopped:
                self._loop(batches)
        if summary := batches.summary():
            print(f"Training records: {summary}")
        if measure and (summary := measure.pipeline.ledger.summary()):
            print(f"Validation records: {summary}")
        self.run.print_end()
        return self._result()

    def _loop(self, batches: TrainingBatches) -> None:
        run, step = self.run, self._create_step()
        pieces = self.config.gradient_accumulation_steps
        first = FirstBatches(self.data, "training examples", need_labels=True)
        for batch, position in batches:
            first.look(batch)
            tensors = {name: value for name, value in batch.items() if name != "video_ids"}
            if alpha := self.config.mixup:
                seeds = (self.config.seed, self.workers.index, run.step)
                weights = mixup_weights(alpha, seeds, len(batch["num_frames"]))
                tensors[WEIGHTS] = tf.constant(weights)
            outputs = step(*split_batch(tensors, self.strategy, self.workers, pieces))
            measures = functools.partial(self._measures, batch, outputs)
            run.advance(outputs.is_finite, len(batch["num_frames"]), measures, position)
            if run.is_stopped:
                first.finish()
                return
            if position.batch == 1 and batches.batches_per_epoch:
                epochs_left = self.config.num_epochs - position.epoch
                run.set_total(run.step - 1 + batches.batches_per_epoch * epochs_left)
        first.finish()
        run.position = Position(self.config.num_epochs, 0)

    def _prepare_directory(self) -> None:
        if not self.workers.is_chief:
            return
        train_dir = self.config.train_dir
        if self.config.start_new_model:
            if self.config.init_from:
                source_checkpoint(self.config.init_from)  # a wrong path removes nothing
            remove_training(train_dir)
        record_model_flags(train_dir, self.model_config, self.data, self.config.label_loss)
        record_extraction(train_dir, self.extraction)
        record_training_flags(self.config)

    def _initialize(self) -> None:
        """Weights of another training and clusters from data, where they are asked for."""
        has_clusters = False
        if self.config.init_from:
            new = take_weights(self.model, self.config.init_from)
            has_clusters = not any(name.startswith("pooling_") for name in new)
        initialize_clusters(self.model, self.config, has_clusters)

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
            average=self.average,
        )

    def _create_batches(self) -> TrainingBatches:
        frames = self.model_config.iterations if self.data.frame_features else 0
        options = PipelineOptions(
            batch_size=self.config.batch_size * self.workers.num_local_replicas,
            num_epochs=self.config.num_epochs,
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
            start=self.run.position,
            divisor=self.workers.num_local_replicas,
            all_have=self.workers.all,
        )

    def _create_measure(self) -> ClassifierMeasure | None:
        if not self.eval_files:
            return None
        config, data = self.config, self.data
        options = PipelineOptions(
            batch_size=config.eval_batch_size,
            seed=config.seed,
            sample_frames=config.eval_sample_frames if data.frame_features else 0,
            sample_random_frames=self.model_config.sample_random_frames,
            num_readers=config.num_readers,
            max_bad_records=config.max_bad_records,
            num_workers=self.workers.count,
            worker_index=self.workers.index,
        )
        loss = losses.get(config.label_loss)
        return ClassifierMeasure(
            Evaluator(
                self.model, loss, data.num_classes, config.top_k, config.jit_compile, self.workers
            ),
            Pipeline(self.eval_files, data, options),
            f"{config.label_loss}, segment_labels={data.segment_labels}, "
            f"max_frames={data.max_frames}",
        )

    def _measures(self, batch: dict[str, tf.Tensor], outputs: StepOutputs) -> Measures:
        """The losses and the metrics of a batch."""
        weights = batch.get("label_weights")
        self._metrics.reset()
        self._metrics.update(
            outputs.predictions.numpy(),
            batch["labels"].numpy(),
            None if weights is None else weights.numpy(),
        )
        metrics = self._metrics.result()
        values = {
            "loss": float(outputs.label_loss),
            "regularization_loss": float(outputs.regularization_loss),
            **{name: float(metrics[name]) for name in _SHOWN_METRICS.values()},
        }
        shown = {title: values[name] for title, name in _SHOWN_METRICS.items()}
        return Measures(values, {"loss": values["loss"], **shown})

    def _is_over(self) -> bool:
        max_steps = self.config.max_steps
        if self.run.position.epoch >= self.config.num_epochs:
            return True
        return max_steps is not None and self.run.step >= max_steps

    def _result(self) -> dict[str, Any]:
        validation = self.run.validation
        return {
            **self.run.result(),
            "epochs": self.run.position.epoch,
            "best_validation_loss": None if validation is None else validation.best,
        }
