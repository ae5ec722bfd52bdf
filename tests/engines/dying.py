"""Work that kills the process that does it, once."""

import os
import signal
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
    """Dies in the middle of the rows of the first file, after its first block."""

    def rows(self, batches):
        for number, batch in enumerate(super().rows(batches)):
            yield batch
            if number == 0:
                die_once(os.environ["YT8M_TEST_DEATHS"], "reader")


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


def refuse_odd_items(item):
    if item % 2:
        raise ValueError(f"item {item} is odd")
    return item
