"""The experiments from the flags to the files."""

import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data import filesystems
from yt8m_models.data.patterns import match_files
from yt8m_models.experiments.tables.config import TablesConfig, TrainingFlags
from yt8m_models.experiments.tables.execution import execute
from yt8m_models.experiments.tables.plots import write_plots
from yt8m_models.experiments.tables.report import write_report
from yt8m_models.experiments.tables.rows import tables
from yt8m_models.experiments.tables.runs import Run, plan
from yt8m_models.progress import Progress
from yt8m_models.training.interruption import Interruption


def run_tables(
    config: TablesConfig, training: TrainingFlags, data: DataConfig, model: ModelConfig
) -> int | None:
    """Trains and tests what is not done yet, and writes the report of all that is.

    The report is written after every run: it is there while the rest is running.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, or a run failed; finished runs are kept.
    """
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
    left = [run for run in runs if run.result() is None]
    if config.dry_run:
        _list(runs, left)
        return None
    tf.io.gfile.makedirs(config.output_dir)
    with Interruption() as interruption:
        with Progress(
            len(runs), "runs", "tables", initial=len(runs) - len(left), line_seconds=None
        ) as progress:
            for run in left:
                progress.write(f"{run.name}: {run.directory}")
                result = execute(run, interruption)
                if result is None:
                    break
                progress.update(run=run.name, GAP=result.metrics["gap"], seconds=result.seconds)
                write_report(config, found, planned)
        paths = write_report(config, found, planned)
        paths += write_plots(config, found, planned)
    print(f"wrote {', '.join(paths)}")
    return interruption.signal


def _list(runs: list[Run], left: list[Run]) -> None:
    waiting = {run.directory for run in left}
    for run in runs:
        print(f"{'to do' if run.directory in waiting else 'done '}  {run.name}  {run.directory}")
    print(f"{len(left)} of {len(runs)} runs to do")
