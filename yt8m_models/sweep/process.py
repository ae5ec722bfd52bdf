"""A program in a process of its own, whose output goes to a file."""

import multiprocessing
import os
import signal
from collections.abc import Sequence

from yt8m_models.experiments.common.process import belong_to_parent, wait_for
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage.file_lock import lock_file
from yt8m_models.sweep.programs import program

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_INTERRUPTED = {status for number in _SIGNALS for status in (128 + number, -number)}


def run_program(name: str, argv: Sequence[str], log: str, interruption: Interruption) -> int | None:
    """Runs `yt8m NAME`, and appends to a file what it prints.

    A signal is passed on to the process, which stops where it can go on.

    Args:
        name: of the program.
        argv: its arguments.
        log: path of the file.
        interruption: tells of a signal.

    Returns:
        The status of the process; `None` where a signal ended it.
    """
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(name, argv, log))
    process.start()
    wait_for(process, interruption)
    return None if process.exitcode in _INTERRUPTED else process.exitcode


def _run(name: str, argv: Sequence[str], log: str) -> None:
    belong_to_parent()
    with open(log, "ab") as file:
        lock_file(file, wait=True)  # the process of a sweep that was killed may still be saving
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    program(name).run(argv)
