"""What a classifier is validated by."""

from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.pipeline import Pipeline
from yt8m_models.training.evaluator import Evaluator, Observer
from yt8m_models.training.history import Row
from yt8m_models.training.validation import Measure

METRICS = ("loss", "hit_at_one", "perr", "gap", "map")


class ClassifierMeasure(Measure):
    """The loss and the metrics of a classifier.

    Args:
        evaluator: of the model in training.
        pipeline: reads the validation records.
        subject: of what the loss is, where that may change.
    """

    columns: tuple[str, ...] = ("epoch", *METRICS, "num_videos")
    best = "loss"
    is_loss = True

    def __init__(self, evaluator: Evaluator, pipeline: Pipeline, subject: str = "") -> None:
        self.evaluator = evaluator
        self.pipeline = pipeline
        self._first = FirstBatches(pipeline.data, "validation examples")
        self.subject = subject

    def __call__(self) -> Row:
        return self.measured()

    def measured(self, observe: Observer | None = None) -> Row:
        """The value of each column; `observe` is called as by `Evaluator.evaluate`."""
        batches = self._first.watched(self.pipeline)
        result = self.evaluator.evaluate(batches, observe=observe)
        metrics = {name: float(result[name]) for name in METRICS}
        return {**metrics, "num_videos": int(result["num_videos"])}

    def describe(self, row: Row) -> str:
        return (
            f"loss {row['loss']:.4f}  Hit@1 {row['hit_at_one']:.4f}  PERR {row['perr']:.4f}  "
            f"GAP {row['gap']:.4f}  mAP {row['map']:.4f}"
        )
