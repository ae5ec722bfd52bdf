"""One run in a process of its own: training, the best checkpoint, the test set.

TensorFlow gives back little of a model's memory: seven small models, one after the other in one
process, took it from 1.2 to 1.6 GB. A process for each run costs its start, and no more.
"""

import multiprocessing
import pickle

from yt8m_models.experiments.tables.process import run_and_report
from yt8m_models.experiments.tables.runs import Result, Run
from yt8m_models.training.interruption import Interruption

_POLL_SECONDS = 0.2


def execute(run: Run, interruption: Interruption) -> Result | None:
    """Trains and tests a model, from where an earlier try stopped, and keeps the result.

    A signal is passed on to the run, which saves a checkpoint first.

    Returns:
        The result; `None` where a signal ended the run.

    Raises:
        ValueError: the run failed; the message names it.
    """
    context = multiprocessing.get_context("spawn")
    errors, sender = context.Pipe(duplex=False)
    process = context.Process(target=run_and_report, args=(pickle.dumps(run), sender), daemon=True)
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
