"""A run in a process of its own.

TensorFlow gives back little of a model's memory: seven small models, one after the other in one
process, took it from 1.2 to 1.6 GB. A process for each run costs its start, and no more.
"""

import multiprocessing
import pickle
from collections.abc import Callable

from yt8m_models.experiments.common.process import do_and_report
from yt8m_models.experiments.common.runs import Found, Run
from yt8m_models.program.interruption import Interruption

_POLL_SECONDS = 0.2


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
    is_told = False
    while process.is_alive():
        process.join(_POLL_SECONDS)
        if interruption.signal is not None and not is_told:
            process.terminate()
            is_told = True
    result = run.result()
    if result is None and not is_told:
        try:
            reason = errors.recv()
        except EOFError:
            reason = f"its process ended with status {process.exitcode}"
        raise ValueError(f"{run.name} ({run.directory}): {reason}")
    return result
