"""Looking through record files."""

import itertools

import tensorflow as tf

from yt8m_models.data.inspect.file_report import CorruptEntry, FileReport
from yt8m_models.data.inspect.record_summary import summarize
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_reader import CorruptRecord, read_records
from yt8m_models.program.progress import Progress

_LARGE = 100 << 20  # bytes of input from which on a progress bar is shown


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
    records = read_records(file)
    for number, content in itertools.islice(records, max_records or None):
        report.records += 1
        if isinstance(content, CorruptRecord):
            report.corrupt.append(CorruptEntry(file, number, content.reason))
        else:
            try:
                report.add(summarize(content))
            except ValueError as error:
                report.corrupt.append(CorruptEntry(file, number, str(error)))
        bar.update()
    report.complete = next(records, None) is None
    return report
