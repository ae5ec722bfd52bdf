"""The flag that bounds a database engine, without NumPy."""

import re
from dataclasses import dataclass

from yt8m_models.program.option import Options, option

_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)


@dataclass(frozen=True)
class MemoryOptions(Options):
    """How much memory is for a log, before a database engine goes on on disk.

    Raises:
        ValueError: as of `Options`; or `memory_limit` is no size.
    """

    memory_limit: str = option(
        "",
        "Memory, such as 2GB, of which the database engine that sorts the log takes half; beyond "
        "that it goes on on disk, where TMPDIR says. Half of the machine's unless given.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.memory_limit and not _SIZE.fullmatch(self.memory_limit.strip()):
            raise ValueError(
                f"--memory_limit must be a size such as 2GB; received {self.memory_limit!r}"
            )
