"""Measuring in a process of its own, whose memory is not that of what was measured before."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_SECONDS_BETWEEN_LOOKS = 0.02


def in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """What a function of a module returns in a new process; what it prints goes to stderr."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=os.dup2, initargs=(2, 1)) as pool:
        return pool.submit(function, *arguments).result()


def status_mb(name: str) -> float:
    """A line of the kernel's account of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status has no {name}")


def private_peak_mb(call: Callable[[], Result]) -> tuple[Result, float]:
    """What a call returns, and the most memory that it took above what there was before, in MB.

    Files that are mapped into memory do not count, since the kernel drops their pages when others
    need the room. It is looked at fifty times a second: what is gone sooner may be missed.
    """
    before = peak = status_mb("RssAnon")
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_SECONDS_BETWEEN_LOOKS):
            peak = max(peak, status_mb("RssAnon"))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        result = call()
        last = status_mb("RssAnon")
    finally:
        done.set()
        watching.join()
    return result, max(peak, last) - before
