"""What was found in one file, or in all of them."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import tensorflow as tf

from yt8m_models.data.inspect.record_summary import RecordSummary, summarize
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_reader import BadRecord, parsed_records
from yt8m_models.program.progress import Progress

_COUNTS = ("levels", "frames", "surplus_frames", "labels", "labels_per_video", "ratings")
_LARGE = 100 << 20  # bytes of input from which on a progress bar is shown


@dataclass
class FileReport:
    """Counts over the records of a file; the sum of several reports is that of all their files.

    Attributes:
        file: the path, or `total`.
        files: how many files.
        records: records that were read, the corrupt ones included.
        complete: whether every record was looked at.
        levels: records of each level: `video`, `frame`, `segment`.
        features: name to the sizes that occur, each with its number of videos that have frames.
        frames: frames per video, each number with its videos; empty at video level.
        surplus_frames: how many frames a video's longest feature has more than its shortest, each
            number with its videos; those without are left out.
        labels: class to the number of its videos.
        labels_per_video: labels of a video to the number of such videos.
        ratings: rated (segment, class) pairs, and how many of them are positive.
        corrupt: the records that cannot be read.
    """

    file: str
    files: int = 1
    records: int = 0
    complete: bool = True
    levels: Counter[str] = field(default_factory=Counter)
    features: dict[str, Counter[int]] = field(default_factory=dict)
    frames: Counter[int] = field(default_factory=Counter)
    surplus_frames: Counter[int] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    labels_per_video: Counter[int] = field(default_factory=Counter)
    ratings: Counter[bool] = field(default_factory=Counter)
    corrupt: list[BadRecord] = field(default_factory=list)

    @classmethod
    def total(cls, reports: Iterable["FileReport"]) -> "FileReport":
        """The sum of the reports of several files."""
        total = cls("total", files=0)
        for report in reports:
            total.files += report.files
            total.records += report.records
            total.complete &= report.complete
            for name, sizes in report.features.items():
                total.features.setdefault(name, Counter()).update(sizes)
            for counts in _COUNTS:
                getattr(total, counts).update(getattr(report, counts))
            total.corrupt += report.corrupt
        return total

    def add(self, record: RecordSummary | BadRecord) -> None:
        """Counts a record."""
        self.records += 1
        if isinstance(record, BadRecord):
            self.corrupt.append(record)
            return
        self.levels[record.level] += 1
        for name, size in record.features.items():
            self.features.setdefault(name, Counter()).update([size] if size else [])
        if record.num_frames is not None:
            self.frames[record.num_frames] += 1
        if record.surplus_frames:
            self.surplus_frames[record.surplus_frames] += 1
        self.labels.update(set(record.labels))
        self.labels_per_video[len(set(record.labels))] += 1
        self.ratings.update(score > 0 for score in record.scores)

    @property
    def level(self) -> str:
        """The level of the records; several with `+` between them, `-` where none can be read."""
        return "+".join(sorted(self.levels)) or "-"


def inspect_files(pattern: str, max_records: int = 0, progress: bool = False) -> list[FileReport]:
    """One report for each file that matches `pattern`, in the order of `match_files`.

    Args:
        pattern: as of `match_files`.
        max_records: look at the first so many records of each file; 0 for all.
        progress: show a progress bar on stderr where there is much to read.

    Raises:
        ValueError: no file matches, or one cannot be opened.
    """
    files = match_files(pattern)
    is_large = sum(tf.io.gfile.stat(file).length for file in files) >= _LARGE
    enabled = progress and is_large
    with Progress(unit="records", description="inspecting", enabled=enabled) as bar:
        return [_inspect(file, max_records, bar) for file in files]


def _inspect(file: str, max_records: int, bar: Progress) -> FileReport:
    report = FileReport(file)
    records = parsed_records(file, summarize)
    for record in itertools.islice(records, max_records or None):
        report.add(record if isinstance(record, BadRecord) else record[1])
        bar.update()
    report.complete = next(records, None) is None
    return report
