"""The account of a run's bad input, and the search for the record at which reading failed."""

import threading
from collections.abc import Callable, Iterable, Sequence

from yt8m_models.data.record_reader import BadRecord, parsed_records

_SHOWN = 5


class Ledger:
    """What a pipeline met: files in the order of their opening, bad records, unusual videos.

    A record counts once, however often it is read. Safe to use from the threads of tf.data.

    Args:
        max_bad_records: how many bad records are skipped before one more is an error.

    Attributes:
        bad: the bad records, as `(file, record, reason)`.
        opened: the files, once for each time that they were opened.
        failure: why the pipeline gave up, or None.
    """

    def __init__(self, max_bad_records: int = 0) -> None:
        self.max_bad_records = max_bad_records
        self.bad: list[BadRecord] = []
        self.opened: list[str] = []
        self.failure: str | None = None
        self._empty: set[tuple[int, int]] = set()
        self._unequal: dict[tuple[int, int], int] = {}
        self._seen: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    @property
    def empty_videos(self) -> int:
        """Videos without frames that were left out."""
        return len(self._empty)

    def add_empty(self, group: int, place: int) -> None:
        """Counts a video without frames: the one at this place of this group of records."""
        with self._lock:
            self._empty.add((group, place))

    def add_unequal(self, group: int, place: int, difference: int) -> None:
        """Counts a video whose features differ by so many frames."""
        with self._lock:
            self._unequal[group, place] = difference

    def add_bad(self, record: BadRecord) -> None:
        """Counts a bad record.

        Raises:
            ValueError: it is one more than `max_bad_records`.
        """
        with self._lock:
            if record[:2] in self._seen:
                return
            self._seen.add(record[:2])
            self.bad.append(record)
            if len(self.bad) > self.max_bad_records:
                limit = f"--max_bad_records={self.max_bad_records}"
                self.fail(f"more than {limit} bad records: {record}")

    def fail(self, reason: str) -> None:
        """Remembers why the pipeline gives up, for the thread that reads from it, and raises."""
        self.failure = reason
        raise ValueError(reason)

    def summary(self) -> str | None:
        """What was left out or unusual, for the end of a run; None where nothing was."""
        parts = []
        if self.bad:
            parts.append(f"skipped {_count(len(self.bad), 'bad record')}")
        if self.empty_videos:
            parts.append(f"left out {_count(self.empty_videos, 'video')} without frames")
        lines = [" and ".join(parts)] if parts else []
        lines += [f"  {record}" for record in self.bad[:_SHOWN]]
        if len(self.bad) > _SHOWN:
            lines.append(f"  … and {len(self.bad) - _SHOWN} more")
        if self._unequal:
            lines.append(
                f"{_count(len(self._unequal), 'video')} with features that differ by up to "
                f"{_count(max(self._unequal.values()), 'frame')}; --unequal_frames says how they "
                "are read (trim unless given)"
            )
        return "\n".join(lines) if lines else None


def problems_of_workers(
    files: Sequence[str], accounts: Sequence[tuple[int, str | None]], max_bad_records: int
) -> list[str]:
    """What was left out of files that different workers read, which count together.

    Args:
        files: the files.
        accounts: of each file the number of its bad records, and the summary of its ledger.
        max_bad_records: how many bad records there may be in all.

    Raises:
        ValueError: there are more.
    """
    problems = [f"{file}: {text}" for file, (_, text) in zip(files, accounts, strict=True) if text]
    if sum(number for number, _ in accounts) > max_bad_records:
        raise ValueError(
            f"more than --max_bad_records={max_bad_records} bad records: " + "\n".join(problems)
        )
    return problems


def first_bad_record(
    files: Iterable[str], check: Callable[[bytes], None], max_records: int
) -> BadRecord | None:
    """The first record that `check` refuses, of the first of the files that has one, or None.

    Looks at no further file after `max_records` records.

    Raises:
        ValueError: a file cannot be read; names it.
    """
    records = 0
    for file in files:
        for record in parsed_records(file, check):
            if isinstance(record, BadRecord):
                return record
            records += 1
        if records >= max_records:
            break
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
