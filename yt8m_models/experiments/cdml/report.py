"""The results as files."""

from collections.abc import Mapping, Sequence

from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.runs import METRICS, Result, Run, bits_of
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table


class CDMLReport(Report[Result]):
    """`results.csv`, `runs.csv`, `results.md` and an image of each table.

    Args:
        config: the flags.
        tables: tables and figures.
        planned: the run of each row's name and seed.
    """

    metrics = tuple(METRICS)
    columns = ("bits", *METRICS, "step", "validation_ndcg", "num_parameters", "seconds")

    def __init__(
        self, config: CDMLConfig, tables: Sequence[Table], planned: Mapping[tuple[str, int], Run]
    ) -> None:
        super().__init__(config.output_dir, config.seeds, tables, planned)
        self.titles = {name: title.format(top_k=config.top_k) for name, title in METRICS.items()}
        self.introduction = (
            "Cold-start retrieval of evaluation videos for training videos (T2E) and the reverse "
            f"(E2T): means over seeds {', '.join(map(str, config.seeds))} ± their standard "
            f"deviation. Graph `{config.graph_dir}`, features `{config.features_dir}`, "
            f"{config.relevance} gains."
        )

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return result.quality[bits_of(row)]

    def lines_of(self, result: Result) -> list[list[object]]:
        """A line for each number of bits."""
        about = [result.step, result.validation_ndcg, result.num_parameters, result.seconds]
        return [
            [bits, *(metrics[metric] for metric in METRICS), *about]
            for bits, metrics in result.quality.items()
        ]
