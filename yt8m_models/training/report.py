"""What a training of a classifier says while it runs."""

import tensorflow as tf

from eval.metrics import EvaluationMetrics
from yt8m_models.training.history import History
from yt8m_models.training.live_report import LiveReport
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


class Report(LiveReport):
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
        super().__init__(history, summaries, step, total)
        self.loss: float | None = None
        self._metrics = EvaluationMetrics(num_classes, top_k)

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
        values = {name: float(metrics[name]) for name in ("hit_at_one", "perr", "gap")}
        values |= {
            "loss": self.loss,
            "regularization_loss": regularization_loss,
            "learning_rate": learning_rate,
            "videos_per_second": self.speed(),
        }
        shown = {
            "epoch": epoch,
            "loss": self.loss,
            "Hit@1": values["hit_at_one"],
            "PERR": values["perr"],
            "GAP": values["gap"],
            "videos/s": round(values["videos_per_second"]),
        }
        self.record(step, values, shown, row={"epoch": epoch})
