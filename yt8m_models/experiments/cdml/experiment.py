"""The experiments from the flags to the files."""

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.experiments.cdml.config import CDMLConfig, EmbeddingTrainingFlags
from yt8m_models.experiments.cdml.report import CDMLReport
from yt8m_models.experiments.cdml.rows import tables
from yt8m_models.experiments.cdml.runs import Result, plan
from yt8m_models.experiments.cdml.training import train_and_measure
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import run_experiment
from yt8m_models.features.load_features import load_features
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.storage import filesystems


def run_cdml(
    config: CDMLConfig, training: EmbeddingTrainingFlags, model: EmbeddingConfig
) -> int | None:
    """Trains and measures what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, or a run failed; finished runs are kept.
    """
    filesystems.require(config.output_dir)
    CoWatchGraph.load(config.graph_dir)
    features = load_features(config.features_dir, config.feature_names).names
    found = tables(config, model, features)
    planned = plan(config, training, model, features, rows_of(found))
    for run in {
        run.model.fusion: run for run in planned.values() if run.content == "cdml"
    }.values():
        load_features_of_model(config.features_dir, run.model, run.features)

    def shown(result: Result) -> dict[str, float]:
        best = result.quality[max(result.quality)]
        return {f"T2E NDCG@{config.top_k}": best["t2e_ndcg"], "seconds": result.seconds}

    report = CDMLReport(config, found, planned)
    return run_experiment("cdml", report, train_and_measure, shown, config.dry_run)
