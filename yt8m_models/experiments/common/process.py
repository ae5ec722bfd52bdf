"""The process of a run. Nothing here imports TensorFlow before it is started quietly."""

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from yt8m_models.program.interruption import Interruption
from yt8m_models.program.startup import start_tensorflow

_POLL_SECONDS = 0.2


def do_and_report(pickled: bytes, errors: Connection) -> None:
    """Calls a function with a run, which leaves its result as a file; sends what is wrong.

    Args:
        pickled: the function, by its name, and the run.
        errors: receives the message of a `ValueError` or an `OSError`.
    """
    belong_to_parent()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    start_tensorflow()
    try:
        function, run = pickle.loads(pickled)
        function(run)
    except (ValueError, OSError) as error:
        errors.send(str(error))


def wait_for(process: BaseProcess, interruption: Interruption) -> bool:
    """Waits until a process ends, and passes a signal on to it; whether it did."""
    is_told = False
    while process.is_alive():
        process.join(_POLL_SECONDS)
        if interruption.signal is not None and not is_told:
            process.terminate()
            is_told = True
    return is_told


def belong_to_parent() -> None:
    """Lets this process end with its parent, and leaves Ctrl-C on a terminal to that.

    The parent passes it on once.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
