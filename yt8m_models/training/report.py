"""What a training says while it runs: progress, `training.csv` and TensorBoard scalars."""

import time
from types import TracebackType

import tensorflow as tf

from eval.metrics import EvaluationMetrics
from yt8m_models.progress import Progress
from yt8m_models.training.history import History
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.step import StepOutputs

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "regularization_loss",
    "learning_rate",
    "hit_at_one",
    "perr",
    "gap",
    "videos_per_second",
)
_FLUSH_SECONDS = 30.0


class Report:
    """Shows and records the loss, the speed and the metrics of single batches.

    Args:
        history: where the rows go, with the columns `COLUMNS`.
        summaries: where the scalars go, as `train/…`.
        num_classes: classes of the labels.
        top_k: predictions per video that count in GAP.
        step: steps done before this run.
        total: steps to do in all, or `None`.

    Attributes:
        loss: the label loss that was logged last, or `None`.
    """

    def __init__(
        self,
        history: History,
        summaries: ScalarWriter,
        num_classes: int,
        top_k: int,
        step: int,
        total: int | None,
    ) -> None:
        self.loss: float | None = None
        self._history = history
        self._summaries = summaries
        self._metrics = EvaluationMetrics(num_classes, top_k)
        self._progress = Progress(total, "steps", "training", initial=step, line_seconds=None)
        self._clock: float | None = None
        self._videos = 0
        self._flushed_at = time.monotonic()

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, traceback)
        self.flush()

    def count(self, num_videos: int) -> None:
        """Counts a step of so many videos."""
        self._videos += num_videos
        self._progress.update(1)
        if self._clock is None:  # The first step compiles: the speed is of those after it.
            self.restart_clock()

    def log(
        self,
        step: int,
        epoch: int,
        learning_rate: float,
        batch: dict[str, tf.Tensor],
        outputs: StepOutputs,
    ) -> None:
        """Shows and records the losses and the metrics of a step that was counted."""
        self.loss = float(outputs.label_loss.numpy())
        regularization_loss = float(outputs.regularization_loss.numpy())
        weights = batch.get("label_weights")
        self._metrics.reset()
        self._metrics.update(
            outputs.predictions.numpy(),
            batch["labels"].numpy(),
            None if weights is None else weights.numpy(),
        )
        metrics = self._metrics.result()
        speed = self._speed()
        values = {name: float(metrics[name]) for name in ("hit_at_one", "perr", "gap")}
        values |= {
            "loss": self.loss,
            "regularization_loss": regularization_loss,
            "learning_rate": learning_rate,
            "videos_per_second": speed,
        }
        self._history.append({"step": step, "epoch": epoch, **values})
        self._summaries.write(step, {f"train/{name}": value for name, value in values.items()})
        self._progress.update(
            0,
            epoch=epoch,
            loss=self.loss,
            **{
                "Hit@1": values["hit_at_one"],
                "PERR": values["perr"],
                "GAP": values["gap"],
                "videos/s": round(speed),
            },
        )
        if time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def write(self, line: str) -> None:
        """Shows a line of its own."""
        self._progress.write(line)

    def set_total(self, steps: int) -> None:
        """Sets the number of steps to do in all, once it is known."""
        self._progress.total = steps

    def restart_clock(self) -> None:
        """Leaves the time up to now out of the speed, such as that of a checkpoint."""
        self._clock, self._videos = time.monotonic(), 0

    def _speed(self) -> float:
        """Videos a second since the last time; 0 before there is a time to measure from."""
        now, start, videos = time.monotonic(), self._clock, self._videos
        self.restart_clock()
        return videos / (now - start) if start is not None and videos else 0.0

    def flush(self) -> None:
        """Brings what was recorded to the files."""
        self._history.flush()
        self._summaries.flush()
        self._flushed_at = time.monotonic()
