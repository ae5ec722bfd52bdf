"""The results as files."""

from collections.abc import Mapping

from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.runs import METRICS, Result, bits_of
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row


class CDMLReport(Report[Result]):
    """`results.csv`, `runs.csv`, `results.md` and an image of each table."""

    config: CDMLConfig
    metrics = tuple(METRICS)
    columns = ("bits", *METRICS, "step", "validation_ndcg", "num_parameters", "seconds")

    @property
    def titles(self) -> dict[str, str]:
        return {name: title.format(top_k=self.config.top_k) for name, title in METRICS.items()}

    @property
    def introduction(self) -> str:
        config = self.config
        return (
            "Cold-start retrieval of evaluation videos for training videos (T2E) and the reverse "
            f"(E2T): means over seeds {', '.join(map(str, config.seeds))} ± their standard "
            f"deviation. Graph `{config.graph_dir}`, features `{config.features_dir}`, "
            f"{config.relevance} gains."
        )

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return result.quality[bits_of(row)]

    def lines_of(self, result: Result) -> list[list[object]]:
        """A line for each number of bits."""
        lines = []
        for bits, metrics in result.quality.items():
            values = {**vars(result), "bits": bits, **metrics}
            lines.append([values[column] for column in self.columns])
        return lines
