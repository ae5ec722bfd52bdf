"""What a training on triplets says while it runs."""

from yt8m_models.embedding.training.step import TripletOutputs
from yt8m_models.training.history import History
from yt8m_models.training.live_report import LiveReport
from yt8m_models.training.scalars import ScalarWriter

_OUTPUTS = (
    "loss",
    "violations",
    "positive_distance",
    "negative_distance",
    "without_negative",
)
COLUMNS = ("step", *_OUTPUTS, "learning_rate", "triplets_per_second")


class Report(LiveReport):
    """Shows and records the losses of single batches and the speed.

    Args:
        history: where the rows go, with the columns `COLUMNS`.
        summaries: where the scalars go, as `train/…`.
        step: steps done before this run.
        total: steps to do in all.

    Attributes:
        loss: the loss that was logged last, or `None`.
    """

    def __init__(self, history: History, summaries: ScalarWriter, step: int, total: int) -> None:
        super().__init__(history, summaries, step, total)
        self.loss: float | None = None

    def log(self, step: int, learning_rate: float, outputs: TripletOutputs) -> None:
        """Shows and records a step that was counted."""
        all_values = outputs._asdict()
        values = {name: float(all_values[name]) for name in _OUTPUTS}
        self.loss = values["loss"]
        values |= {"learning_rate": learning_rate, "triplets_per_second": self.speed()}
        shown = {
            "loss": self.loss,
            "violations": values["violations"],
            "near": values["positive_distance"],
            "far": values["negative_distance"],
            "triplets/s": round(values["triplets_per_second"]),
        }
        self.record(step, values, shown)
