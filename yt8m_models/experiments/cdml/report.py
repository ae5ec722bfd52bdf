"""The results as files: `results.csv`, `runs.csv`, `results.md` and an image of each table."""

from collections.abc import Mapping, Sequence

from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.runs import METRICS, Result, Run, bits_of
from yt8m_models.experiments.common.plots import write_images
from yt8m_models.experiments.common.report import results_csv, runs_csv, section, write_texts
from yt8m_models.experiments.common.rows import Table, rows_of
from yt8m_models.experiments.common.runs import results_of
from yt8m_models.experiments.common.summary import RowSummary, summarize

Planned = Mapping[tuple[str, int], Run]


def write_report(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes the files, of the runs that are done; their paths."""
    results = results_of(planned)
    summaries = summaries_of(tables, planned, results)
    columns = ["bits", *METRICS, "step", "validation_ndcg", "num_parameters", "seconds"]
    texts = {
        "results.csv": results_csv(config.output_dir, tables, summaries, list(METRICS)),
        "runs.csv": runs_csv(config.output_dir, planned, results, columns, _lines),
        "results.md": _markdown(config, tables, summaries),
    }
    return write_texts(config.output_dir, texts)


def write_plots(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes an image of each table and figure with results, see `write_images`."""
    summaries = summaries_of(tables, planned, results_of(planned))
    return write_images(config.output_dir, tables, summaries, _titles(config))


def summaries_of(
    tables: Sequence[Table], planned: Planned, results: Mapping[str, Result]
) -> dict[str, RowSummary]:
    """What the embeddings of each row are worth, by its name."""
    rows = rows_of(tables)
    return summarize(planned, results, rows, lambda row, result: result.quality[bits_of(row)])


def _titles(config: CDMLConfig) -> dict[str, str]:
    return {metric: title.format(top_k=config.top_k) for metric, title in METRICS.items()}


def _lines(result: Result) -> list[list[object]]:
    """A line for each number of bits."""
    about = [result.step, result.validation_ndcg, result.num_parameters, result.seconds]
    return [
        [bits, *(metrics[metric] for metric in METRICS), *about]
        for bits, metrics in result.quality.items()
    ]


def _markdown(
    config: CDMLConfig, tables: Sequence[Table], summaries: Mapping[str, RowSummary]
) -> str:
    lines = [
        "Cold-start retrieval of evaluation videos for training videos (T2E) and the reverse "
        f"(E2T): means over seeds {', '.join(map(str, config.seeds))} ± their standard deviation. "
        f"Graph `{config.graph_dir}`, features `{config.features_dir}`, {config.relevance} gains."
    ]
    for table in tables:
        lines += section(table, summaries, _titles(config))
    return "\n".join(lines) + "\n"
