"""The second stage of training: full-batch RPROP of the PCA and of the experts in turn."""

import math
from collections.abc import Iterable, Iterator, Sequence

import keras
import tensorflow as tf

from yt8m_models.annotation.annotate.config import MOE, PCA
from yt8m_models.annotation.annotate.pca import pipeline_options
from yt8m_models.annotation.annotate.training import Training
from yt8m_models.data.pipeline import Pipeline
from yt8m_models.program.progress import Progress
from yt8m_models.training.rprop import RPROP

RPROP_DIR = "rprop"


class FullBatch:
    """Sums the loss and the gradients of all videos, and gives them to an optimizer.

    `L = 1/N Σ_n loss(video n) + Σ model.losses`: each batch adds its share of L and of its
    gradient, so that memory does not grow with the number of videos.

    Args:
        model: takes a batch's `video_matrix`.
        variables: the weights to train; all others stay.
        optimizer: built for `variables`.
        label_loss: a Keras loss, mean over the videos of a batch.
        num_videos: N.
        jit_compile: compile with XLA.

    Attributes:
        apply: lets the optimizer take one step by the gradients of the latest `sum`.
    """

    def __init__(
        self,
        model: keras.Model,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        label_loss: keras.losses.Loss,
        num_videos: int,
        jit_compile: bool = True,
    ) -> None:
        self.model = model
        self.variables = list(variables)
        self.optimizer = optimizer
        self.label_loss = label_loss
        self.num_videos = num_videos
        self._loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._gradients = [
            tf.Variable(tf.zeros(variable.shape), trainable=False) for variable in self.variables
        ]
        self._add = tf.function(
            self._add_batch, jit_compile=jit_compile, reduce_retracing=True, autograph=False
        )
        self.apply = tf.function(self._apply_gradients, jit_compile=jit_compile, autograph=False)

    def sum(self, batches: Iterable[dict[str, tf.Tensor]]) -> float:
        """Sums over the batches of one pass; the loss. `apply` uses the gradients."""
        self._loss.assign(0.0)
        for gradient in self._gradients:
            gradient.assign(tf.zeros_like(gradient))
        for batch in batches:
            self._add(batch["video_matrix"], batch["labels"])
        return float(self._loss.numpy())

    def _add_batch(self, features: tf.Tensor, labels: tf.Tensor) -> None:
        share = tf.cast(tf.shape(features)[0], tf.float32) / self.num_videos
        with tf.GradientTape() as tape:
            predictions = self.model({"video_matrix": features}, training=True)
            penalty = tf.add_n([tf.zeros(()), *self.model.losses])
            loss = share * (self.label_loss(labels, predictions) + penalty)
        values = [variable.value for variable in self.variables]
        gradients = tape.gradient(loss, values, unconnected_gradients="zero")
        self._loss.assign_add(tf.cast(loss, tf.float64))
        for total, gradient in zip(self._gradients, gradients, strict=True):
            total.assign_add(gradient)

    def _apply_gradients(self) -> None:
        self.optimizer.apply([tf.identity(total) for total in self._gradients], self.variables)


class _Interrupted(Exception):
    """A pass over the records was left."""


class FineTuning:
    """Trains the parts of the model that `--phases` names, one after the other, by RPROP.

    Each part has an optimizer of its own, which keeps the sizes of its steps from one of its phases
    to the next. A step is one pass over the records, for the loss of the weights that the step
    before left and for its gradient; after the last step a pass gives the loss of the result.

    Args:
        training: the run, after Adam. Its model and step are restored from the latest checkpoint of
            this stage, if there is one.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        config, model = training.config, training.model
        model.block_pca.trainable = True
        self._parts = {}
        for part, layer in ((PCA, model.block_pca), (MOE, model.classifier)):
            if part in config.phases:
                optimizer = RPROP(config.rprop_first_step, name=f"rprop_{part}")
                optimizer.build(layer.trainable_variables)
                self._parts[part] = FullBatch(
                    model,
                    layer.trainable_variables,
                    optimizer,
                    training.label_loss,
                    training.sources.num_videos,
                    config.jit_compile,
                )
        self._done = tf.Variable(0, dtype=tf.int64)
        optimizers = {part: sums.optimizer for part, sums in self._parts.items()}
        training.restore(RPROP_DIR, done=self._done, **optimizers)
        self._saved = int(self._done.numpy())

    def train(self) -> bool:
        """Trains to the end of the last phase, with a validation after each; false if stopped."""
        try:
            self._train()
        except _Interrupted:
            self._save()
            return False
        return True

    def _train(self) -> None:
        training, config = self.training, self.training.config
        total = config.rprop_steps * len(config.phases)
        done = int(self._done.numpy())
        if done and done % config.rprop_steps == 0:
            training.validate(config.num_epochs + done)
        with Progress(total, "steps", "RPROP", initial=done, line_seconds=None) as progress:
            while done < total:
                phase = done // config.rprop_steps
                sums = self._parts[config.phases[phase]]
                # A row belongs to the phase of the step before it; the first has none.
                self._record(sums, max(0, done - 1) // config.rprop_steps + 1, progress)
                sums.apply()
                done += 1
                self._done.assign(done)
                training.step.assign_add(1)
                progress.update(1, phase=config.phases[phase])
                is_over = done % config.rprop_steps == 0
                if is_over or training.is_checkpoint_due():
                    self._save()
                if is_over:
                    training.validate(config.num_epochs + done)
            self._record(self._parts[config.phases[-1]], len(config.phases), progress)
            training.flush()

    def _record(self, sums: FullBatch, phase: int, progress: Progress) -> None:
        """Sums over all records, and notes the loss."""
        loss = sums.sum(self._batches())
        if not math.isfinite(loss):
            self.training.fail("the loss of all videos", "rprop_first_step")
        self.training.record(phase, loss)
        progress.update(0, loss=loss)

    def _batches(self) -> Iterator[dict[str, tf.Tensor]]:
        training = self.training
        files, data = training.sources.train_files, training.run.data
        for batch in Pipeline(files, data, pipeline_options(training.config)):
            if training.is_interrupted:
                raise _Interrupted
            yield batch

    def _save(self) -> None:
        done = int(self._done.numpy())
        if done != self._saved:
            self.training.save()
            self._saved = done
