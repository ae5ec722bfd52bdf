"""The experiments from the flags to the files."""

import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.experiments.common.running import do_runs, list_runs
from yt8m_models.experiments.dsgmm.config import TablesConfig, TrainingFlags
from yt8m_models.experiments.dsgmm.execution import execute
from yt8m_models.experiments.dsgmm.plots import write_plots
from yt8m_models.experiments.dsgmm.report import write_report
from yt8m_models.experiments.dsgmm.rows import tables
from yt8m_models.experiments.dsgmm.runs import Result, Run, plan
from yt8m_models.program.extras import require
from yt8m_models.storage import filesystems


def run_tables(
    config: TablesConfig, training: TrainingFlags, data: DataConfig, model: ModelConfig
) -> int | None:
    """Trains and tests what is not done yet, and writes the report of all that is.

    The report is written after every run: it is there while the rest is running.

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
    rows = list({row.name: row for table in found for row in table.rows}.values())
    planned = plan(config, training, data, model, rows)
    runs = list({run.directory: run for run in planned.values()}.values())
    if config.dry_run:
        list_runs(runs)
        return None
    tf.io.gfile.makedirs(config.output_dir)

    def report(run: Run, result: Result) -> dict[str, float]:
        write_report(config, found, planned)
        return {"GAP": result.metrics["gap"], "seconds": result.seconds}

    signal = do_runs(runs, execute, report, "tables")
    paths = write_report(config, found, planned) + write_plots(config, found, planned)
    print(f"wrote {', '.join(paths)}")
    return signal
