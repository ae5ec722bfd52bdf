"""The experiments from the flags to the files."""

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import run_experiment
from yt8m_models.experiments.dsgmm.config import TablesConfig, TrainingFlags
from yt8m_models.experiments.dsgmm.report import TablesReport
from yt8m_models.experiments.dsgmm.rows import tables
from yt8m_models.experiments.dsgmm.runs import plan
from yt8m_models.experiments.dsgmm.training import train_and_measure
from yt8m_models.program.extras import require
from yt8m_models.storage import filesystems


def run_tables(
    config: TablesConfig, training: TrainingFlags, data: DataConfig, model: ModelConfig
) -> int | None:
    """Trains and tests what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, SciPy is not installed, or a run failed; finished runs are
            kept.
    """
    require("scipy")
    filesystems.require(config.output_dir)
    for name in ("train_data_pattern", "validation_data_pattern", "test_data_pattern"):
        try:
            match_files(getattr(config, name))
        except ValueError as error:
            raise ValueError(f"--{name}: {error}") from error
    found = tables(config)
    planned = plan(config, training, data, model, rows_of(found))
    return run_experiment(
        "tables",
        TablesReport(config, found, planned),
        train_and_measure,
        lambda result: {"GAP": result.metrics["gap"], "seconds": result.seconds},
        config.dry_run,
    )
