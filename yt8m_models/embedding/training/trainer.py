"""The training loop on triplets."""

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import losses
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.embedding.training.batches import TripletBatches
from yt8m_models.embedding.training.config import LOSSES, EmbeddingTrainConfig
from yt8m_models.embedding.training.curves import plot_curves
from yt8m_models.embedding.training.held_out import HeldOut, hold_out
from yt8m_models.embedding.training.projector import write_projector
from yt8m_models.embedding.training.report import COLUMNS, Report
from yt8m_models.embedding.training.step import TripletOutputs, TripletStep
from yt8m_models.embedding.training.validation import Validation
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.triplet_sampler import TripletSampler
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems
from yt8m_models.storage.plots import can_plot
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.finite_steps import FiniteSteps
from yt8m_models.training.history import History
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.schedule import StaircaseDecay
from yt8m_models.training.train_dir import CURVES, SUMMARIES, TRAINING_HISTORY, remove_training


def train(config: EmbeddingTrainConfig, model: EmbeddingConfig) -> dict[str, Any]:
    """Trains an embedding, from the beginning or from the latest checkpoint of `config.train_dir`.

    Returns:
        `step` reached, `loss` of the last logged step (`None` where this run took none),
        `checkpoint` (the path of the latest), `best_validation_ndcg` (`None` without validation),
        and `signal`, the number of the signal that ended training, or `None`.

    Raises:
        ValueError: a flag does not fit the graph, the features or the directory, no edge has
            features on both ends, the directory belongs to another model or holds no checkpoint
            that can be read, or the loss became infinite or not a number. The last good checkpoint
            stays.
    """
    keras.utils.set_random_seed(config.seed)
    with Interruption() as interruption:
        return Trainer(config, model, interruption).run()


class Trainer:
    """A training run, from reading the flags to the last checkpoint; see `train`."""

    def __init__(
        self,
        config: EmbeddingTrainConfig,
        model_config: EmbeddingConfig,
        interruption: Interruption,
    ) -> None:
        self.config = config
        self.model_config = model_config
        self.interruption = interruption
        filesystems.require(config.train_dir)
        self.graph = CoWatchGraph.load(config.graph_dir)
        self.table = load_features_of_model(config.features_dir, model_config, config.feature_names)
        self.feature_rows = self.table.ids.rows(self.graph.ids.ids)
        self.held_out = self._hold_out()
        self.batches = self._create_batches()
        self.schedule = StaircaseDecay(
            config.base_learning_rate,
            config.learning_rate_decay,
            config.learning_rate_decay_steps,
            1,
        )
        self.model = create_embedding_model(model_config, self.table.names, self.table.sizes)
        self.optimizer = create_optimizer(config.optimizer, self.schedule)
        self.optimizer.build(self.model.trainable_variables)
        self.mining_seed = keras.random.SeedGenerator(config.seed)
        self.step = 0
        self.checkpoint: str | None = None
        self._step_variable = tf.Variable(0, dtype=tf.int64, name="step")
        self._checkpoints = Checkpoints(
            config.train_dir,
            config.keep_checkpoints,
            optimizer=config.optimizer,
            model=self.model,
            # Under its name: the state of one optimizer must not be taken for that of another.
            **{config.optimizer: self.optimizer},
            random_state=self._random_state(),
            step=self._step_variable,
        )
        self._finite = FiniteSteps(self._rate)
        self._saved_step = 0
        self._saved_at = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Trains to the end or to a signal; what `train` returns."""
        self._prepare_directory()
        self._restore()
        if self.step >= self.config.max_steps:
            print(
                f"Nothing to do in {self.config.train_dir}: {self.step:,} steps are done. "
                "Raise --max_steps to train on."
            )
        print(self._described())
        summaries = ScalarWriter(join(self.config.train_dir, SUMMARIES))
        validation = self._create_validation(summaries)
        history = History(join(self.config.train_dir, TRAINING_HISTORY), COLUMNS, self.step)
        with Report(history, summaries, self.step, self.config.max_steps) as report:
            self._loop(report, validation)
        summaries.close()
        if self.interruption.signal is None:
            write_projector(self.config, self.table)
            self._plot()
        print(f"{'Stopped early' if self.interruption.signal else 'Trained'}: {self.step:,} steps.")
        return {
            "step": self.step,
            "loss": report.loss,
            "checkpoint": self.checkpoint,
            "best_validation_ndcg": None if validation is None else validation.best_ndcg,
            "signal": self.interruption.signal,
        }

    def _loop(self, report: Report, validation: Validation | None) -> None:
        train_step = self._create_step()
        unlogged: TripletOutputs | None = None
        for batch in self.batches.steps(self.step, self.config.max_steps):
            unlogged = train_step(batch)
            self._finite.add(unlogged.is_finite)
            self.step += 1
            report.count(self.config.batch_size)
            if self.step % self.config.log_steps == 0:
                self._log(report, unlogged)
                unlogged = None
            if self._is_checkpoint_due():
                self._save(report)
                self._validate(report, validation)
                report.restart_clock()
            if self.interruption.signal is not None:
                break
        if unlogged is not None:
            self._log(report, unlogged)
        self._save(report)
        if self.interruption.signal is None:
            self._validate(report, validation)

    def _plot(self) -> None:
        if can_plot(CURVES):
            plot_curves(self.config.train_dir)

    def _hold_out(self) -> HeldOut | None:
        config = self.config
        if config.validation_fraction == 0:
            return None
        return hold_out(
            self.graph,
            self.feature_rows != UNKNOWN,
            config.validation_fraction,
            config.validation_candidates,
            config.validation_queries,
            config.seed,
        )

    def _create_batches(self) -> TripletBatches:
        usable = self.feature_rows != UNKNOWN
        if self.held_out is not None:
            usable[self.held_out.candidates] = False
        config = self.config
        return TripletBatches(
            TripletSampler(self.graph, usable, config.negatives, config.seed),
            self.table,
            self.feature_rows,
            config.batch_size,
            self.model_config.sample_frames,
            config.seed,
        )

    def _prepare_directory(self) -> None:
        config = self.config
        if config.start_new_model:
            remove_training(config.train_dir)
        kept = ("loss", "margin", "mining", "negatives", "seed")
        training = {name: getattr(config, name) for name in kept}
        if self.held_out is not None:
            training["validation"] = self.held_out.fingerprint(self.graph.ids.ids)
        ModelRecord(self.model_config, self.table.names, self.table.sizes, training).write(
            config.train_dir
        )

    def _restore(self) -> None:
        self.checkpoint = self._checkpoints.restore_latest()
        if self.checkpoint is None:
            return
        self.step = self._saved_step = int(self._step_variable.numpy())
        print(f"Resuming from {self.checkpoint}: {self.step:,} steps.")

    def _described(self) -> str:
        """What is trained on, and what is left out."""
        num_known = int(np.count_nonzero(self.feature_rows != UNKNOWN))
        num_videos, num_features = len(self.feature_rows), len(self.table)
        lines = [f"{num_videos:,} videos in the graph, {num_features:,} with features."]
        if num_known < num_videos:
            lines.append(f"{num_videos - num_known:,} videos of the graph have no features.")
        if num_known < num_features:
            lines.append(f"{num_features - num_known:,} videos with features are not in the graph.")
        sampler = self.batches.sampler
        lines.append(
            f"{sampler.num_videos:,} videos and {sampler.num_edges:,} edges, each direction "
            "counted, to draw triplets from."
        )
        if sampler.num_left_out:
            lines.append(f"{sampler.num_left_out:,} videos are no anchors: all are neighbours.")
        if sampler.num_without_shown:
            lines.append(
                f"{sampler.num_without_shown:,} anchors get uniform negatives: none was shown."
            )
        if self.held_out is not None:
            lines.append(
                f"{len(self.held_out.candidates):,} training videos are kept out to be retrieved "
                f"for {len(self.held_out.queries):,} others."
            )
        return "\n".join(lines)

    def _create_step(self) -> TripletStep:
        config = self.config
        return TripletStep(
            self.model,
            self.optimizer,
            losses.get_triplet(LOSSES[config.loss], config.margin),
            config.mining,
            self.mining_seed,
            config.clip_gradient_norm,
            config.clip_mode,
            config.jit_compile,
        )

    def _create_validation(self, summaries: ScalarWriter) -> Validation | None:
        if self.held_out is None:
            return None
        return Validation(
            self.config.train_dir,
            self.held_out,
            self.feature_rows,
            Embedder(self.model, self.table, self.config.eval_batch_size),
            self._step_variable,
            summaries,
        )

    def _random_state(self) -> list[tf.Variable]:
        """The state of what is random in a step, which is none of the model's weights."""
        weights = {id(weight) for weight in self.model.weights}
        states = [variable for variable in self.model.variables if id(variable) not in weights]
        return [variable.value for variable in (*states, self.mining_seed.state)]

    def _log(self, report: Report, outputs: TripletOutputs) -> None:
        self._finite.check(self.step, self.checkpoint)
        report.log(self.step, self._rate(self.step), outputs)

    def _save(self, report: Report) -> None:
        """Writes a checkpoint unless the latest one is of this very step."""
        if self._saved_step == self.step:
            return
        self._finite.check(self.step, self.checkpoint)
        if not all(np.isfinite(weight.numpy()).all() for weight in self.model.weights):
            self._finite.fail(self.step, self.checkpoint)
        self._step_variable.assign(self.step)
        report.flush()
        self.checkpoint = self._checkpoints.save(self.step)
        report.write(f"saved {self.checkpoint}")
        self._saved_step, self._saved_at = self.step, time.monotonic()

    def _validate(self, report: Report, validation: Validation | None) -> None:
        if validation is not None and validation.step != self.step:
            report.write(validation.evaluate(self.step))

    def _rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        return float(self.schedule(step - 1))

    def _is_checkpoint_due(self) -> bool:
        minutes = self.config.save_checkpoint_minutes
        return self.step % self.config.export_model_steps == 0 or (
            minutes > 0 and time.monotonic() - self._saved_at >= 60 * minutes
        )
