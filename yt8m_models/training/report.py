"""What every training says while it runs: progress, `training.csv` and TensorBoard scalars."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from yt8m_models.program.progress import Progress
from yt8m_models.training.history import History
from yt8m_models.training.scalars import ScalarWriter

_FLUSH_SECONDS = 30.0


class Measures(NamedTuple):
    """What there is to say of a step.

    Attributes:
        values: columns of the history, `loss` among them.
        shown: what to show beside the progress.
    """

    values: Mapping[str, float]
    shown: Mapping[str, Any]


class Report:
    """Measures the speed of steps, and records and shows their values.

    Args:
        progress: of the steps.
        history: where the rows go.
        summaries: where the scalars go, as `train/…`.
        unit: what a step has many of, in the plural.
    """

    def __init__(
        self, progress: Progress, history: History, summaries: ScalarWriter, unit: str
    ) -> None:
        self.progress = progress
        self._history = history
        self._summaries = summaries
        self._unit = unit
        self._clock: float | None = None
        self._examples = 0
        self._flushed_at = time.monotonic()

    def count(self, num_examples: int) -> None:
        """Counts a step of so many examples."""
        self._examples += num_examples
        self.progress.update(1)
        if self._clock is None:  # The first step compiles: the speed is of those after it.
            self.restart_clock()

    def restart_clock(self) -> None:
        """Leaves the time up to now out of the speed, such as that of a checkpoint."""
        self._clock, self._examples = time.monotonic(), 0

    def log(
        self, step: int, learning_rate: float, measures: Measures, epoch: Mapping[str, int]
    ) -> None:
        """Shows and records a step that was counted.

        Args:
            step: the step.
            learning_rate: that of the step.
            measures: what there is to say of it.
            epoch: its `epoch`, if there are epochs.
        """
        speed = self._speed()
        values = {
            **measures.values,
            "learning_rate": learning_rate,
            f"{self._unit}_per_second": speed,
        }
        self._history.append({"step": step, **epoch, **values})
        self._summaries.write(step, {f"train/{name}": value for name, value in values.items()})
        self.progress.update(0, **epoch, **measures.shown, **{f"{self._unit}/s": round(speed)})
        if time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Brings what was recorded to the files."""
        self._history.flush()
        self._summaries.flush()
        self._flushed_at = time.monotonic()

    def _speed(self) -> float:
        """Examples a second since the last time; 0 before there is a time to measure from."""
        now, start, examples = time.monotonic(), self._clock, self._examples
        self.restart_clock()
        return examples / (now - start) if start is not None and examples else 0.0
