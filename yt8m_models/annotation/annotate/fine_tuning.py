"""The second stage of training: full-batch RPROP of the PCA and of the experts in turn."""

import math
from collections.abc import Iterator

import tensorflow as tf

from yt8m_models.annotation.annotate.config import MOE, PCA
from yt8m_models.annotation.annotate.full_batch import FullBatch
from yt8m_models.annotation.annotate.pca import pipeline_options
from yt8m_models.annotation.annotate.training import Training
from yt8m_models.data.pipeline import Pipeline
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.rprop import RPROP

RPROP_DIR = "rprop"


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
                    training.sources.pca.num_videos,
                    config.jit_compile,
                )
        self._done = tf.Variable(0, dtype=tf.int64)
        self._checkpoints = Checkpoints(
            join(training.run.directory, RPROP_DIR),
            keep=2,
            model=model,
            step=training.step,
            done=self._done,
            **{part: sums.optimizer for part, sums in self._parts.items()},
        )
        self._checkpoints.restore_latest()
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
        training.begin()
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
            self.training.save(self._checkpoints.save)
            self._saved = done
