"""The results as files: `results.csv`, `runs.csv`, `results.md` and an image of each table."""

from collections.abc import Mapping, Sequence

from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.runs import METRICS, Quality, Run, bits_of
from yt8m_models.experiments.dsgmm.plots import write_images
from yt8m_models.experiments.dsgmm.report import cell
from yt8m_models.experiments.dsgmm.rows import Row, Table
from yt8m_models.experiments.dsgmm.summary import Summary
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text

Planned = Mapping[tuple[str, int], Run]


def write_report(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes the files, of the runs that are done; their paths."""
    texts = {
        "results.csv": _results(config, tables, planned),
        "runs.csv": _runs(config, planned),
        "results.md": _markdown(config, tables, planned),
    }
    for name, text in texts.items():
        write_text(join(config.output_dir, name), text)
    return [join(config.output_dir, name) for name in texts]


def write_plots(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> list[str]:
    """Writes an image of each table and figure with results; none without matplotlib."""
    panels = {title: metric for metric, title in _titles(config).items()}
    return write_images(config.output_dir, tables, lambda rows: summarize(planned, rows), panels)


def summarize(planned: Planned, rows: Sequence[Row]) -> list[Summary[Quality]]:
    """The results of each row that are done; a run that serves all seeds counts once."""
    seeds = dict.fromkeys(seed for _, seed in planned)
    summaries = []
    for row in rows:
        runs = {run.directory: run for run in (planned[row.name, seed] for seed in seeds)}
        found = {run.training.seed: run.result() for run in runs.values()}
        results = {
            seed: result.quality[bits_of(row)]
            for seed, result in found.items()
            if result is not None
        }
        summaries.append(Summary(row, next(iter(runs)).rsplit("/", 1)[0], results))
    return summaries


def _titles(config: CDMLConfig) -> dict[str, str]:
    return {metric: title.format(top_k=config.top_k) for metric, title in METRICS.items()}


def _results(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> str:
    """A line for each row of each table."""
    header = ["table", "row", "label", "runs", "directory"]
    header += [f"{metric}_{kind}" for metric in METRICS for kind in ("mean", "std")]
    lines: list[list[object]] = []
    for table in tables:
        for summary in summarize(planned, table.rows):
            line = [table.name, summary.row.name, summary.row.label, len(summary.results)]
            line.append(_inside(config, summary.directory))
            for metric in METRICS:
                line += [summary.mean(metric), summary.deviation(metric)]
            lines.append(line)
    return csv_text(header, lines)


def _runs(config: CDMLConfig, planned: Planned) -> str:
    """A line for each run that is done and number of bits."""
    lines = []
    for run in {run.directory: run for run in planned.values()}.values():
        names = dict.fromkeys(row for (row, _), other in planned.items() if other is run)
        if (result := run.result()) is None:
            continue
        about = [result.step, result.validation_ndcg, result.num_parameters, result.seconds]
        for bits, quality in result.quality.items():
            where = [" ".join(names), result.seed, _inside(config, run.directory), bits]
            lines.append([*where, *(quality.metrics[metric] for metric in METRICS), *about])
    header = ["rows", "seed", "directory", "bits", *METRICS]
    return csv_text([*header, "step", "validation_ndcg", "num_parameters", "seconds"], lines)


def _inside(config: CDMLConfig, directory: str) -> str:
    return directory.removeprefix(join(config.output_dir, ""))


def _markdown(config: CDMLConfig, tables: Sequence[Table], planned: Planned) -> str:
    titles = _titles(config)
    lines = [
        "Cold-start retrieval of evaluation videos for training videos (T2E) and the reverse "
        f"(E2T): means over seeds {', '.join(map(str, config.seeds))} ± their standard deviation. "
        f"Graph `{config.graph_dir}`, features `{config.features_dir}`, {config.relevance} gains."
    ]
    for table in tables:
        kind = "Figure" if table.axis else "Table"
        lines += ["", f"## {kind} {table.name.removeprefix(kind.lower())[0]}: {table.title}", ""]
        rows = [
            [
                summary.row.label,
                *(cell(summary, metric) for metric in titles),
                str(len(summary.results)),
            ]
            for summary in summarize(planned, table.rows)
        ]
        lines += markdown_table([table.axis or "row", *titles.values(), "runs"], rows)
    return "\n".join(lines) + "\n"
