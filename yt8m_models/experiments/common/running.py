"""Doing the runs of an experiment that are not done yet."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from yt8m_models.experiments.common.execution import Executable
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress

Run = TypeVar("Run", bound=Executable)
Found = TypeVar("Found")


def do_runs(
    runs: Sequence[Run],
    execute: Callable[[Run, Interruption], Found | None],
    on_result: Callable[[Run, Found], Mapping[str, float]],
    description: str,
) -> int | None:
    """Does the runs that have no result, one after the other, and shows progress on stderr.

    Args:
        runs: all runs.
        execute: does one; gives `None` where a signal ended it.
        on_result: is called after each; gives what to show of the result.
        description: of the experiment.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a run failed; those before it are kept.
    """
    left = [run for run in runs if run.result() is None]
    done = len(runs) - len(left)
    with (
        Interruption() as interruption,
        Progress(len(runs), "runs", description, initial=done, line_seconds=None) as progress,
    ):
        for run in left:
            progress.write(f"{run.name}: {run.directory}")
            result = execute(run, interruption)
            if result is None:
                break
            values: dict[str, float | str] = {"run": run.name, **on_result(run, result)}
            progress.update(1, **values)
    return interruption.signal


def list_runs(runs: Sequence[Executable]) -> None:
    """Prints the runs and which of them are to be done."""
    is_done = [run.result() is not None for run in runs]
    for run, done in zip(runs, is_done, strict=True):
        print(f"{'done ' if done else 'to do'}  {run.name}  {run.directory}")
    print(f"{is_done.count(False)} of {len(runs)} runs to do")
