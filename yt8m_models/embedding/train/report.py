"""What a training on triplets says while it runs: progress, `training.csv`, TensorBoard scalars."""

import time
from types import TracebackType

from yt8m_models.embedding.train.step import TripletOutputs
from yt8m_models.progress import Progress
from yt8m_models.training.history import History
from yt8m_models.training.scalars import ScalarWriter

_OUTPUTS = (
    "loss",
    "violations",
    "positive_distance",
    "negative_distance",
    "without_negative",
)
COLUMNS = ("step", *_OUTPUTS, "learning_rate", "triplets_per_second")
_FLUSH_SECONDS = 30.0


class Report:
    """Shows and records the losses of single batches and the speed.

    Args:
        history: where the rows go, with the columns `COLUMNS`.
        summaries: where the scalars go, as `train/…`.
        batch_size: triplets in a step.
        step: steps done before this run.
        total: steps to do in all.

    Attributes:
        loss: the loss that was logged last, or `None`.
    """

    def __init__(
        self, history: History, summaries: ScalarWriter, batch_size: int, step: int, total: int
    ) -> None:
        self.loss: float | None = None
        self._history = history
        self._summaries = summaries
        self._batch_size = batch_size
        self._progress = Progress(total, "steps", "training", initial=step, line_seconds=None)
        self._clock: float | None = None
        self._steps = 0
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

    def count(self) -> None:
        """Counts a step."""
        self._steps += 1
        self._progress.update(1)
        if self._clock is None:  # The first step compiles: the speed is of those after it.
            self.restart_clock()

    def log(self, step: int, learning_rate: float, outputs: TripletOutputs) -> None:
        """Shows and records a step that was counted."""
        values = {name: float(value) for name, value in outputs._asdict().items()}
        values = {name: values[name] for name in _OUTPUTS}
        self.loss = values["loss"]
        speed = self._speed()
        values |= {"learning_rate": learning_rate, "triplets_per_second": speed}
        self._history.append({"step": step, **values})
        self._summaries.write(step, {f"train/{name}": value for name, value in values.items()})
        self._progress.update(
            0,
            loss=self.loss,
            violations=values["violations"],
            near=values["positive_distance"],
            far=values["negative_distance"],
            **{"triplets/s": round(speed)},
        )
        if time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def write(self, line: str) -> None:
        """Shows a line of its own."""
        self._progress.write(line)

    def restart_clock(self) -> None:
        """Leaves the time up to now out of the speed, such as that of a checkpoint."""
        self._clock, self._steps = time.monotonic(), 0

    def flush(self) -> None:
        """Brings what was recorded to the files."""
        self._history.flush()
        self._summaries.flush()
        self._flushed_at = time.monotonic()

    def _speed(self) -> float:
        """Triplets a second since the last time; 0 before there is a time to measure from."""
        start, triplets = self._clock, self._steps * self._batch_size
        self.restart_clock()
        if start is None or self._clock is None or not triplets:
            return 0.0
        return triplets / (self._clock - start)
