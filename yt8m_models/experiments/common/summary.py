"""What the runs of several seeds found, together."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.experiments.common.rows import Row


@dataclass(frozen=True)
class Summary:
    """Metrics over seeds.

    Attributes:
        metrics: the value of each metric, by seed.
    """

    metrics: Mapping[int, Mapping[str, Any]]

    def mean(self, metric: str) -> float:
        """Over the seeds; NaN without any."""
        return float(np.mean(self._values(metric))) if self.metrics else math.nan

    def deviation(self, metric: str) -> float:
        """The standard deviation over the seeds, of a sample (n - 1); NaN for fewer than two."""
        return float(np.std(self._values(metric), ddof=1)) if len(self.metrics) > 1 else math.nan

    def statistics(self, metrics: Iterable[str]) -> list[float]:
        """The mean and the deviation of each metric, as `statistics_header` names them."""
        return [value for each in metrics for value in (self.mean(each), self.deviation(each))]

    def cell(self, metric: str) -> str:
        """Mean and deviation for people to read; a dash where there is no mean."""
        mean, deviation = self.mean(metric), self.deviation(metric)
        if math.isnan(mean):
            return "–"
        return f"{mean:.4f}" + ("" if math.isnan(deviation) else f" ± {deviation:.4f}")

    def _values(self, metric: str) -> list[float]:
        return [metrics[metric] for metrics in self.metrics.values()]


@dataclass(frozen=True)
class RowSummary(Summary):
    """A row's metrics over seeds.

    Attributes:
        row: the row.
        directory: of its runs, shared with the rows that have the same settings.
    """

    row: Row
    directory: str


def statistics_header(metrics: Iterable[str]) -> list[str]:
    """The names of columns with `Summary.statistics`."""
    return [f"{metric}_{kind}" for metric in metrics for kind in ("mean", "std")]
