"""Doing the runs of an experiment that are not done yet; each in a process of its own, if need be.

TensorFlow gives back little of a model's memory: seven small models, one after the other in one
process, took it from 1.2 to 1.6 GB. A process for each run costs its start, and no more.
"""

import multiprocessing
import pickle
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from yt8m_models.experiments.common.process import do_and_report, wait_for
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.runs import Found, Run, distinct
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress


def run_experiment(
    description: str,
    report: Report[Found],
    execute: Callable[[Any, Interruption], Found | None],
    shown: Callable[[Found], Mapping[str, float]],
) -> int | None:
    """Does the runs that have no result, one after the other, and reports all that have one.

    The report is written after every run: it is there while the rest is running. With `--dry_run`
    the runs are listed, whether they are done, and by which commands, instead.

    Args:
        description: of the experiment.
        report: the runs that are planned, and what is written of them.
        execute: does a run, keeps the result and returns it, or `None` where a signal ended the
            run; `partial(in_own_process, function)` for a process of its own.
        shown: what the progress shows of a result.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a run failed; those before it are kept.
    """
    runs = distinct(report.planned)
    left = [run for run in runs if not run.is_done()]
    if report.config.dry_run:
        printed: set[str] = set()
        for run in runs:
            print(f"{'to do' if run in left else 'done '}  {run.name}  {run.directory}")
            commands = "\n".join(run.commands())
            if commands and commands not in printed:
                printed.add(commands)
                rows = [row for (row, _), other in report.planned.items() if other is run]
                print(textwrap.indent(f"{' = '.join(rows)}\n{commands}", " " * 7))
        print(f"{len(left)} of {len(runs)} runs to do")
        return None
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
            report.write()
            values: dict[str, float | str] = {"run": run.name, **shown(result)}
            progress.update(1, **values)
    print(f"wrote {', '.join(report.write() + report.write_images())}")
    return interruption.signal


def in_own_process(
    function: Callable[..., object], run: Run[Found], interruption: Interruption
) -> Found | None:
    """Does a run, from where an earlier try stopped.

    A signal is passed on to the process, which stops where it can go on.

    Args:
        function: does the run that it is called with and keeps the result.
        run: what to do.
        interruption: tells of a signal.

    Returns:
        The result; `None` where a signal ended the run.

    Raises:
        ValueError: the run failed; the message names it.
    """
    context = multiprocessing.get_context("spawn")
    errors, sender = context.Pipe(duplex=False)
    arguments = (pickle.dumps((function, run)), sender)
    process = context.Process(target=do_and_report, args=arguments, daemon=True)
    process.start()
    sender.close()
    is_told = wait_for(process, interruption)
    result = run.result()
    if result is None and not is_told:
        try:
            reason = errors.recv()
        except EOFError:
            reason = f"its process ended with status {process.exitcode}"
        raise ValueError(f"{run.name} ({run.directory}): {reason}")
    return result
