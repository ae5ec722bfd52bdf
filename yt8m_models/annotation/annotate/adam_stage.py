"""The first stage of training: Adam on batches."""

import itertools

import keras
import tensorflow as tf

from yt8m_models.annotation.annotate.training import Training
from yt8m_models.data.pipeline import PipelineOptions
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import join
from yt8m_models.training.batches import Position, TrainingBatches
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.step import TrainStep

ADAM_DIR = "adam"


class AdamStage:
    """Trains the experts by Adam, and the PCA too where `--adam_trains_pca` says so.

    Args:
        training: the run; its model and step are restored from the latest checkpoint of this stage.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        config, model = training.config, training.model
        model.block_pca.trainable = config.adam_trains_pca
        self.optimizer = keras.optimizers.Adam(config.base_learning_rate)
        self.optimizer.build(model.trainable_variables)
        self._place = {
            name: tf.Variable(0, dtype=tf.int64, name=name) for name in ("epoch", "batch")
        }
        self._checkpoints = Checkpoints(
            join(training.run.directory, ADAM_DIR),
            keep=2,
            model=model,
            adam=self.optimizer,
            step=training.step,
            **self._place,
        )
        self._checkpoints.restore_latest()

    def train(self) -> bool:
        """Trains to the end of the last epoch, with a validation after each; false if stopped."""
        training, config = self.training, self.training.config
        start = Position(*(int(value.numpy()) for value in self._place.values()))
        training.begin()
        if start.batch == 0 and start.epoch > 0:
            training.validate(start.epoch)
        batches = TrainingBatches(
            training.sources.train_files,
            training.run.data,
            PipelineOptions(
                batch_size=config.batch_size,
                num_epochs=config.num_epochs,
                shuffle=True,
                seed=config.seed,
                num_readers=config.num_readers,
                max_bad_records=config.max_bad_records,
            ),
            start,
        )
        step = TrainStep(
            training.model,
            self.optimizer,
            training.label_loss,
            clip_gradient_norm=config.clip_gradient_norm,
            jit_compile=config.jit_compile,
        )
        videos = config.num_epochs * training.sources.pca.num_videos
        done = min(videos, int(training.step.numpy()) * config.batch_size)
        with Progress(videos, description="Adam", initial=done) as progress:
            for epoch, group in itertools.groupby(batches, key=lambda pair: pair[1].epoch):
                for batch, position in group:
                    self._step(step, batch, progress)
                    if training.is_interrupted or training.is_checkpoint_due():
                        self._save(position)
                    if training.is_interrupted:
                        return False
                self._save(Position(epoch + 1, 0))
                training.validate(epoch + 1)
        training.validate(config.num_epochs)  # a run may have stopped between the two lines above
        return True

    def _step(self, step: TrainStep, batch: dict[str, tf.Tensor], progress: Progress) -> None:
        training = self.training
        outputs = step({name: value for name, value in batch.items() if name != "video_ids"})
        if not bool(outputs.is_finite):
            training.fail("the loss or a gradient", "base_learning_rate")
        training.step.assign_add(1)
        videos = len(batch["num_frames"])
        if int(training.step.numpy()) % training.config.log_steps == 0:
            loss = float(outputs.label_loss)
            training.record(0, loss)
            progress.update(videos, loss=loss)
        else:
            progress.update(videos)

    def _save(self, position: Position) -> None:
        for variable, value in zip(self._place.values(), position, strict=True):
            variable.assign(value)
        self.training.save(self._checkpoints.save)
