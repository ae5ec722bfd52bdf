"""The first stage of training: Adam on batches."""

import itertools

import keras
import tensorflow as tf

from yt8m_models.annotation.annotate.pca import pipeline_options
from yt8m_models.annotation.annotate.training import Training
from yt8m_models.program.progress import Progress
from yt8m_models.training.batches import Position, TrainingBatches
from yt8m_models.training.step import TrainStep


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
        self._place = {name: tf.Variable(0, dtype=tf.int64, name=name) for name in Position._fields}
        training.restore("adam", adam=self.optimizer, **self._place)

    def train(self) -> bool:
        """Trains to the end of the last epoch, with a validation after each; false if stopped."""
        training, config = self.training, self.training.config
        start = Position(*(int(value.numpy()) for value in self._place.values()))
        if start.batch == 0 and start.epoch > 0:
            training.validate(start.epoch)
        batches = TrainingBatches(
            training.sources.train_files,
            training.run.data,
            pipeline_options(config, num_epochs=config.num_epochs, shuffle=True, seed=config.seed),
            start,
        )
        step = TrainStep(
            training.model,
            self.optimizer,
            training.label_loss,
            clip_gradient_norm=config.clip_gradient_norm,
            jit_compile=config.jit_compile,
        )
        videos = config.num_epochs * training.sources.num_videos
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
        shown = {}
        if int(training.step.numpy()) % training.config.log_steps == 0:
            shown["loss"] = float(outputs.label_loss)
            training.record(0, shown["loss"])
        progress.update(len(batch["num_frames"]), **shown)

    def _save(self, position: Position) -> None:
        for variable, value in zip(self._place.values(), position, strict=True):
            variable.assign(value)
        self.training.save()
