"""Programs whose output all runs of an experiment share."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from yt8m_models.program.interruption import Interruption
from yt8m_models.storage.same_flags import flag_text

_POLL_SECONDS = 0.2


def run_program(name: str, flags: Mapping[str, Any], interruption: Interruption) -> bool:
    """Runs a program in a process of its own, which says what it does where this one does.

    Args:
        name: what `yt8m` calls it.
        flags: by name; `None` is no flag.
        interruption: tells of a signal, which is passed on.

    Returns:
        Whether it ended; false where a signal ended it.

    Raises:
        ValueError: it failed.
    """
    words = [f"--{flag}={flag_text(value)}" for flag, value in flags.items() if value is not None]
    process = subprocess.Popen([sys.executable, "-m", "yt8m_models", name, *words])
    is_told = False
    while True:
        try:
            status = process.wait(_POLL_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if interruption.signal is not None and not is_told:
                process.terminate()
                is_told = True
    if interruption.signal is not None:
        return False
    if status:
        raise ValueError(f"yt8m {name} failed with status {status}; what it said is above")
    return True
