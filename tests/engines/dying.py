"""Work that kills the process that does it, once."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yt8m_models.graph.build_graph.log_files import LogReader


def die_once(directory, name):
    """Kills this worker, unless an earlier one has died for this name."""
    try:
        Path(directory, name).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class DyingReader(LogReader):
    """Dies once in the middle of the rows of a file, after its first block."""

    def rows(self, batches):
        for number, batch in enumerate(super().rows(batches)):
            yield batch
            if number == 0:
                die_once(os.path.dirname(self.paths[0]), "died")


@dataclass(frozen=True)
class WritesAndDies:
    """Writes a file by the name of an item, and dies in the middle of one of them."""

    directory: str
    dies_at: int

    def __call__(self, item):
        with Path(self.directory, f"{item}.txt").open("w") as file:
            file.write(f"{item}\n")
            file.flush()
            if item == self.dies_at:
                die_once(self.directory, "died")
            file.write(f"{item * item}\n")
        return item * item


@dataclass(frozen=True)
class Finishes:
    """Does other work, and dies once where that is done and nobody knows of it."""

    work: Callable
    directory: str
    dies_at: int

    def __call__(self, item):
        result = self.work(item)
        if item == self.dies_at:
            die_once(self.directory, "died")
        return result


@dataclass(frozen=True)
class WaitsForDeath:
    """Writes a file by the name of an item; says where it works, once, and waits to be killed."""

    directory: str

    def __call__(self, item):
        with contextlib.suppress(FileExistsError), Path(self.directory, "place").open("x") as file:
            file.write(f"{os.getcwd()}\n")
            file.flush()
            parent = os.getppid()
            while os.getppid() == parent:
                time.sleep(0.05)
            os._exit(1)
        Path(self.directory, f"{item}.txt").write_text(f"{item}\n")
        return item


def refuse_odd_items(item):
    if item % 2:
        raise ValueError(f"item {item} is odd")
    return item
