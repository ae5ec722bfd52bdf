"""What the stages of a run's training share: the model, its checkpoints, curves and validation."""

import functools
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import tensorflow as tf

import losses
from yt8m_models.annotation.annotate.config import AnnotateConfig
from yt8m_models.annotation.annotate.measure import AnnotationMeasure
from yt8m_models.annotation.annotate.pca import pipeline_options
from yt8m_models.annotation.annotate.runs import Run
from yt8m_models.data.extraction_record import Extraction
from yt8m_models.data.pipeline import Pipeline
from yt8m_models.extraction.streaming_pca import Components
from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.evaluator import Evaluator
from yt8m_models.training.history import History, Row, read_history
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.train_dir import SUMMARIES, TRAINING_HISTORY, VALIDATION_HISTORY
from yt8m_models.training.validation import Validation

COLUMNS = ("step", "phase", "loss")


class Sources(NamedTuple):
    """What the runs train on.

    Attributes:
        train_files: the training records.
        eval_files: the validation records.
        num_videos: in the training records.
        pca: of the training records, by the name of the feature.
        extraction: how the features of the records were made, where that is known.
    """

    train_files: Sequence[str]
    eval_files: Sequence[str]
    num_videos: int
    pca: Mapping[str, Components]
    extraction: Extraction | None


class Training:
    """A run in training.

    `training.csv` has `step`, `phase` and `loss`. Phase 0 is Adam, with the loss of single batches;
    phases from 1 on are those of RPROP, with the loss of all training videos after each step, and
    the first of them begins with a row before any of its steps. Steps count on through all phases.

    Args:
        config: the flags.
        run: which model.
        sources: the records.
        interruption: asks to stop.

    Attributes:
        model: with the PCA of `sources`.
        step: steps done, as a variable for checkpoints.
        label_loss: mean over the videos of a batch.
    """

    def __init__(
        self, config: AnnotateConfig, run: Run, sources: Sources, interruption: Interruption
    ) -> None:
        self.config = config
        self.run = run
        self.sources = sources
        self.interruption = interruption
        self.step = tf.Variable(0, dtype=tf.int64)
        self.label_loss = losses.CrossEntropyLoss()
        self.model = AnnotationModel(
            run.data.feature_sizes,
            run.components,
            run.data.num_classes,
            run.num_mixtures,
            config.moe_l2,
            config.expert_bias,
        )
        self.model.build()
        layer = self.model.block_pca
        for name, mean, projection in zip(
            run.data.feature_names, layer.means, layer.projections, strict=True
        ):
            mean.assign(sources.pca[name].mean)
            projection.assign(sources.pca[name].projection)
        self._summaries = ScalarWriter(join(run.directory, SUMMARIES))

    @property
    def is_interrupted(self) -> bool:
        return self.interruption.signal is not None

    def restore(self, stage: str, **trackables: Any) -> None:
        """Restores the latest checkpoint of a stage, if there is one, and opens `training.csv`.

        Args:
            stage: the directory of its checkpoints, in that of the run.
            **trackables: what they have beside the model and the step.
        """
        directory = self.run.directory
        self._checkpoints = Checkpoints(
            join(directory, stage), keep=2, model=self.model, step=self.step, **trackables
        )
        self._checkpoints.restore_latest()
        step = int(self.step.numpy())
        self._history = History(join(directory, TRAINING_HISTORY), COLUMNS, step)
        rows = self._history.rows
        self._history.rows = [{**row, "phase": int(row["phase"])} for row in rows]
        self._saved_at = time.monotonic()

    def record(self, phase: int, loss: float) -> None:
        """Notes a loss at the present step; replaces what a lost run noted there."""
        step = int(self.step.numpy())
        rows = self._history.rows
        while rows and (rows[-1]["step"], rows[-1]["phase"]) == (step, phase):
            rows.pop()
        self._history.append({"step": step, "phase": phase, "loss": loss})
        name = "train/batch_loss" if phase == 0 else "train/loss"
        self._summaries.write(step, {name: loss})

    def flush(self) -> None:
        """Writes the curves."""
        self._history.flush()
        self._summaries.flush()

    def save(self) -> None:
        """Writes the curves and then a checkpoint of the stage."""
        self.flush()
        self._checkpoints.save(int(self.step.numpy()))
        self._saved_at = time.monotonic()

    def is_checkpoint_due(self) -> bool:
        minutes = self.config.save_checkpoint_minutes
        return minutes > 0 and time.monotonic() - self._saved_at >= 60 * minutes

    def validate(self, epoch: int) -> None:
        """Evaluates the model on the validation records, unless that was done at this step.

        Args:
            epoch: passes over the training records that the steps so far took.
        """
        if self._validation.step != int(self.step.numpy()):
            print(self._validation.evaluate({"epoch": epoch}), flush=True)

    @functools.cached_property
    def _validation(self) -> Validation:
        config, data = self.config, self.run.data
        options = pipeline_options(config, batch_size=config.eval_batch_size)
        measure = AnnotationMeasure(
            Evaluator(
                self.model, self.label_loss, data.num_classes, config.top_k, config.jit_compile
            ),
            Pipeline(self.sources.eval_files, data, options),
        )
        return Validation(self.run.directory, measure, self.model, self.step, self._summaries)

    def validated(self) -> list[Row]:
        """The rows of `validation.csv` up to the present step."""
        rows = read_history(join(self.run.directory, VALIDATION_HISTORY))
        return [row for row in rows if row["step"] <= int(self.step.numpy())]

    def fail(self, what: str, flag: str) -> NoReturn:
        """Raises the error of a loss that is not finite."""
        raise ValueError(
            f"{what} became infinite or not a number at step {int(self.step.numpy()) + 1}, with "
            f"{self.run.num_mixtures} mixtures on {self.run.features}; the checkpoints in "
            f"{self.run.directory} stay. Try a lower --{flag}"
        )
