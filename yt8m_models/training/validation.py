"""Validation at each checkpoint, and the checkpoint with the lowest validation loss."""

import logging
import math
from collections.abc import Sequence

import keras
import tensorflow as tf

import losses
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints, checkpoint_paths
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.evaluator import Evaluator
from yt8m_models.training.history import History
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.train_dir import BEST, VALIDATION_HISTORY

_LOGGER = logging.getLogger(__name__)

METRICS = ("loss", "hit_at_one", "perr", "gap", "map")


class Validation:
    """Evaluates the model in training and keeps its best checkpoint in `train_dir/best`.

    The best loss is stored in the best checkpoint, so that the two change together.

    Args:
        config: of the training.
        data: the format of the records.
        files: the validation records.
        model: the model in training.
        step: its step, as a variable.
        summaries: where the metrics go for TensorBoard, as `validation/…`.

    Attributes:
        step: the step that was evaluated last in this run; -1 before.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: DataConfig,
        files: Sequence[str],
        model: keras.Model,
        step: tf.Variable,
        summaries: ScalarWriter,
    ) -> None:
        self.step = -1
        self._summaries = summaries
        self._evaluator = Evaluator(
            model,
            losses.get(config.label_loss),
            data.num_classes,
            config.top_k,
            config.jit_compile,
        )
        self._pipeline = Pipeline(
            files,
            data,
            PipelineOptions(
                batch_size=config.eval_batch_size,
                seed=config.seed,
                sample_frames=config.eval_sample_frames if data.frame_features else 0,
                num_readers=config.num_readers,
                max_bad_records=config.max_bad_records,
            ),
        )
        directory = join(config.train_dir, BEST)
        self._best_loss = tf.Variable(_best_loss(directory), dtype=tf.float32)
        self._best = Checkpoints(
            directory, keep=1, model=model, step=step, validation_loss=self._best_loss
        )
        self._history = History(
            join(config.train_dir, VALIDATION_HISTORY),
            ("step", "epoch", *METRICS, "num_videos"),
            resumed_step=int(step.numpy()),
        )

    def evaluate(self, step: int, epoch: int) -> str:
        """Evaluates, records the metrics, saves the best model; a line that says so."""
        result = self._evaluator.evaluate(self._pipeline)
        self.step = step
        metrics = {name: float(result[name]) for name in METRICS}
        num_videos = int(result["num_videos"])
        self._history.append({"step": step, "epoch": epoch, **metrics, "num_videos": num_videos})
        self._history.flush()
        self._summaries.write(step, {f"validation/{name}": metrics[name] for name in METRICS})
        self._summaries.flush()
        is_best = metrics["loss"] < self.best_loss
        if is_best:
            self._best_loss.assign(metrics["loss"])
            self._best.save(step)
        return (
            f"validation at step {step:,}: loss {metrics['loss']:.4f}  "
            f"Hit@1 {metrics['hit_at_one']:.4f}  PERR {metrics['perr']:.4f}  "
            f"GAP {metrics['gap']:.4f}  mAP {metrics['map']:.4f}{'  (the best)' if is_best else ''}"
        )

    @property
    def best_loss(self) -> float:
        """The lowest validation loss so far; infinite before the first evaluation."""
        return float(self._best_loss.numpy())

    def summary(self) -> str | None:
        """What was left out of the validation records."""
        return self._pipeline.ledger.summary()


def _best_loss(directory: str) -> float:
    """The validation loss of the best checkpoint of an earlier run; infinite without one."""
    for path in reversed(checkpoint_paths(directory)):
        try:
            reader = tf.train.load_checkpoint(path)
            return float(reader.get_tensor("validation_loss/.ATTRIBUTES/VARIABLE_VALUE"))
        except (tf.errors.OpError, LookupError, RuntimeError) as error:
            _LOGGER.warning("The best checkpoint %s cannot be read: %s", path, error)
    return math.inf
