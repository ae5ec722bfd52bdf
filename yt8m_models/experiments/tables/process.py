"""The process of a run. Nothing here imports TensorFlow before it is started quietly."""

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection

from yt8m_models.startup import start_tensorflow


def run_and_report(pickled_run: bytes, errors: Connection) -> None:
    """Does a run, which leaves its result as a file; sends what is wrong, if anything is."""
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C on a terminal is for the parent, which passes it on once.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    start_tensorflow()
    try:
        from yt8m_models.experiments.tables.training import train_and_measure

        train_and_measure(pickle.loads(pickled_run))
    except (ValueError, OSError) as error:
        errors.send(str(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
