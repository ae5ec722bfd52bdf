"""Doing the runs of an experiment that are not done yet."""

from collections.abc import Callable, Mapping
from typing import Any

from yt8m_models.experiments.common.execution import in_own_process
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.runs import Found, distinct
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress


def run_experiment(
    description: str,
    report: Report[Found],
    execute: Callable[[Any], object],
    shown: Callable[[Found], Mapping[str, float]],
    dry_run: bool = False,
) -> int | None:
    """Does the runs that have no result, one after the other, and reports all that have one.

    The report is written after every run: it is there while the rest is running.

    Args:
        description: of the experiment.
        report: the runs that are planned, and what is written of them.
        execute: does a run, in a process of its own, and keeps the result.
        shown: what the progress shows of a result.
        dry_run: list the runs, and whether they are done, instead.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a run failed; those before it are kept.
    """
    runs = distinct(report.planned)
    left = [run for run in runs if run.result() is None]
    if dry_run:
        for run in runs:
            print(f"{'to do' if run in left else 'done '}  {run.name}  {run.directory}")
        print(f"{len(left)} of {len(runs)} runs to do")
        return None
    done = len(runs) - len(left)
    with (
        Interruption() as interruption,
        Progress(len(runs), "runs", description, initial=done, line_seconds=None) as progress,
    ):
        for run in left:
            progress.write(f"{run.name}: {run.directory}")
            result = in_own_process(execute, run, interruption)
            if result is None:
                break
            report.write()
            values: dict[str, float | str] = {"run": run.name, **shown(result)}
            progress.update(1, **values)
    print(f"wrote {', '.join(report.write() + report.write_images())}")
    return interruption.signal
