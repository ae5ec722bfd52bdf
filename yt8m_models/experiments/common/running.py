"""Doing the runs of an experiment that are not done yet."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yt8m_models.experiments.common.execution import in_own_process
from yt8m_models.experiments.common.runs import AnyRun, Run, distinct
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress


def run_experiment(
    description: str,
    planned: Mapping[tuple[str, int], AnyRun],
    execute: Callable[[AnyRun], object],
    shown: Callable[[Any], Mapping[str, float]],
    write_report: Callable[[], list[str]],
    write_plots: Callable[[], list[str]],
    dry_run: bool = False,
) -> int | None:
    """Does the runs that have no result, one after the other, and reports all that have one.

    The report is written after every run: it is there while the rest is running.

    Args:
        description: of the experiment.
        planned: the run of each row's name and seed.
        execute: does a run, in a process of its own, and keeps the result.
        shown: what to show of a result.
        write_report: writes the report; gives its paths.
        write_plots: writes the images; gives their paths.
        dry_run: list the runs instead.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a run failed; those before it are kept.
    """
    runs = distinct(planned)
    if dry_run:
        _list_runs(runs)
        return None
    left = [run for run in runs if run.result() is None]
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
            write_report()
            values: dict[str, float | str] = {"run": run.name, **shown(result)}
            progress.update(1, **values)
    print(f"wrote {', '.join(write_report() + write_plots())}")
    return interruption.signal


def _list_runs(runs: Sequence[Run]) -> None:
    is_done = [run.result() is not None for run in runs]
    for run, done in zip(runs, is_done, strict=True):
        print(f"{'done ' if done else 'to do'}  {run.name}  {run.directory}")
    print(f"{is_done.count(False)} of {len(runs)} runs to do")
