"""The experiments from the flags to the files."""

import tensorflow as tf

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.experiments.cdml.config import CDMLConfig, EmbeddingTrainingFlags
from yt8m_models.experiments.cdml.report import write_plots, write_report
from yt8m_models.experiments.cdml.rows import tables
from yt8m_models.experiments.cdml.runs import Result, Run, plan
from yt8m_models.experiments.cdml.training import train_and_measure
from yt8m_models.experiments.common.execution import in_own_process
from yt8m_models.experiments.common.running import do_runs, list_runs
from yt8m_models.features.load_features import load_features
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems


def run_cdml(
    config: CDMLConfig, training: EmbeddingTrainingFlags, model: EmbeddingConfig
) -> int | None:
    """Trains and measures what is not done yet, and writes the report of all that is.

    The report is written after every run: it is there while the rest is running.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, or a run failed; finished runs are kept.
    """
    filesystems.require(config.output_dir)
    CoWatchGraph.load(config.graph_dir)
    features = load_features(config.features_dir, config.feature_names).names
    found = tables(config, model, features)
    rows = list({row.name: row for table in found for row in table.rows}.values())
    planned = plan(config, training, model, features, rows)
    runs = list({run.directory: run for run in planned.values()}.values())
    for run in {run.model.fusion: run for run in runs if run.content == "cdml"}.values():
        load_features_of_model(config.features_dir, run.model, run.features)
    if config.dry_run:
        list_runs(runs)
        return None
    tf.io.gfile.makedirs(config.output_dir)

    def report(run: Run, result: Result) -> dict[str, float]:
        write_report(config, found, planned)
        best = result.quality[max(result.quality)].metrics
        return {f"T2E NDCG@{config.top_k}": best["t2e_ndcg"], "seconds": result.seconds}

    signal = do_runs(runs, execute, report, "cdml")
    paths = write_report(config, found, planned) + write_plots(config, found, planned)
    print(f"wrote {', '.join(paths)}")
    return signal


def execute(run: Run, interruption: Interruption) -> Result | None:
    """Does a run in a process of its own; `None` where a signal ended it.

    Raises:
        ValueError: the run failed; the message names it.
    """
    return in_own_process(train_and_measure, run, interruption)
