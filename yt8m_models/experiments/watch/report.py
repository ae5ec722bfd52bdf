"""The results as files, and how much better than its first row each row of a table is."""

import dataclasses
import math
from collections.abc import Mapping

from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.experiments.watch.config import WatchConfig
from yt8m_models.experiments.watch.paper import paper_figures
from yt8m_models.experiments.watch.runs import BASELINES, Result

_TITLES = {
    "table6": {"max_auc": "Max similarity", "mean_auc": "Mean similarity"},
    "table7": {"glmix_auc": "All videos", "cold_auc": "Cold-start videos"},
}
_GAINS = {name: name.replace("_auc", "_gain") for name in BASELINES}


class WatchReport(Report[Result]):
    """`results.csv`, `runs.csv`, `results.md` and an image of each table.

    Beside the AUC of a row there is its gain, `AUC / AUC of the table's first row - 1`, which is
    what the paper reports; it stands beside ours.
    """

    config: WatchConfig
    metrics = (*BASELINES, *_GAINS.values())
    more = tuple(f"paper_{gain}" for gain in _GAINS.values())
    columns = (
        *BASELINES,
        *("num_pairs", "num_unscored", "num_events", "num_cold_events"),
        *("step", "validation_ndcg", "num_parameters", "seconds"),
    )
    paper = paper_figures()

    def titles_of(self, table: Table) -> dict[str, str]:
        titles = {}
        for name, title in _TITLES[table.name].items():
            titles[name] = f"{title}: AUC"
            titles[_GAINS[name]] = f"{title}: gain"
        return titles

    @property
    def introduction(self) -> str:
        config = self.config
        return (
            "AUC of what users watch for more than "
            f"{config.min_watched_seconds:g} seconds, and its gain over the first row as a share "
            f"of that: means over seeds {', '.join(map(str, config.seeds))} ± their standard "
            f"deviation. Log `{config.watch_log}`, videos `{config.frame_features}`.\n"
            "Columns with “paper” are what Kafle et al. (arXiv 2012.11673) report of LinkedIn's "
            "watches; other watches give other figures."
        )

    def summaries(self, results: Mapping[str, Result]) -> dict[str, RowSummary]:
        found = super().summaries(results)
        return {name: _with_gains(summary, found) for name, summary in found.items()}

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return {**dict.fromkeys(BASELINES, math.nan), **result.metrics}

    def lines_of(self, result: Result) -> list[list[object]]:
        values = {**vars(result), **dict.fromkeys(BASELINES, math.nan), **result.metrics}
        return [[values[column] for column in self.columns]]


def _with_gains(summary: RowSummary, found: Mapping[str, RowSummary]) -> RowSummary:
    """The same with gains, NaN where the row to compare with has not been measured."""
    first = {
        name: found[row].mean(name) if row in found else math.nan for name, row in BASELINES.items()
    }
    metrics = {
        seed: {**values, **{_GAINS[name]: values[name] / first[name] - 1 for name in BASELINES}}
        for seed, values in summary.metrics.items()
    }
    return dataclasses.replace(summary, metrics=metrics)
