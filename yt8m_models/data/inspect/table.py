"""The report as a table for the terminal."""

import os
from collections import Counter
from collections.abc import Callable, Sequence

from yt8m_models.data.inspect.file_report import FileReport
from yt8m_models.data.inspect.report import most_frequent, sizes_by_feature, spread

_CORRUPT_SHOWN = 20
_CLASSES_SHOWN = 3

Column = tuple[str, str, Callable[[FileReport], str]]


def render(reports: Sequence[FileReport]) -> str:
    """A row for each file and a total row; below them what is unusual, with every reason."""
    total = FileReport.total(reports)
    directories = {os.path.dirname(report.file) for report in reports}
    directory = directories.pop() if len(directories) == 1 else ""
    columns = _columns(total)
    cells = [["file", *(heading for heading, _, _ in columns)]]
    for report in [*reports, total]:
        name = os.path.basename(report.file) if directory else report.file
        cells.append([name, *(cell(report) for _, _, cell in columns)])
    cells[-1][0] = f"total of {len(reports)} files"
    if len(reports) == 1:
        del cells[-1]
    lines = _align(cells, ["<", *(alignment for _, alignment, _ in columns)])
    rule = "─" * max(map(len, lines))
    lines.insert(1, rule)
    if len(reports) > 1:
        lines.insert(-1, rule)
    if directory:
        lines.insert(0, f"{directory}:")
    return "\n".join([*lines, *_notes(total)])


def _align(cells: Sequence[Sequence[str]], alignments: Sequence[str]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            f"{value:{alignment}{width}}"
            for value, alignment, width in zip(row, alignments, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def _columns(total: FileReport) -> list[Column]:
    """Heading, alignment and content of each column; those that apply to no record are left out."""
    columns: list[Column] = [
        ("records", ">", lambda row: f"{row.records:,}{'' if row.complete else '+'}"),
        ("corrupt", ">", lambda row: f"{len(row.corrupt):,}"),
        ("level", "<", lambda row: row.level),
        ("features", "<", _features),
    ]
    if total.frames:
        columns.append(("frames", ">", lambda row: _spread(row.frames, ".0f")))
    columns += [
        ("labels/video", ">", lambda row: _spread(row.labels_per_video, ".1f")),
        ("classes", ">", lambda row: f"{len(row.labels):,}"),
    ]
    if total.ratings:
        columns.append(("rated, positive", ">", _ratings))
    return [*columns, ("most frequent (videos)", "<", _most_frequent)]


def _features(row: FileReport) -> str:
    sizes = sizes_by_feature(row).items()
    return ", ".join(f"{name} {'/'.join(map(str, values)) or '?'}" for name, values in sizes) or "-"


def _spread(counts: Counter[int], mean_format: str) -> str:
    """As `120–300, mean 211`."""
    found = spread(counts)
    if found is None:
        return "-"
    return f"{found['min']}–{found['max']}, mean {found['mean']:{mean_format}}"


def _ratings(row: FileReport) -> str:
    return f"{row.ratings.total():,}, {row.ratings[True]:,}" if row.ratings else "-"


def _most_frequent(row: FileReport) -> str:
    classes = most_frequent(row.labels, _CLASSES_SHOWN)
    return ", ".join(f"{label} ({videos:,})" for label, videos in classes) or "-"


def _notes(total: FileReport) -> list[str]:
    notes = []
    if not total.complete:
        notes.append("+ there are more records, which were not looked at (--max_records)")
    if total.labels:
        notes.append(f"labels: {min(total.labels)} to {max(total.labels)}")
    for count, lack in ((total.labels_per_video[0], "labels"), (total.frames[0], "frames")):
        if count:
            notes.append(f"without {lack}: {count:,} {'video' if count == 1 else 'videos'}")
    if total.corrupt:
        notes.append(f"corrupt: {len(total.corrupt):,} (records count from 0)")
        for file, record, reason in total.corrupt[:_CORRUPT_SHOWN]:
            notes.append(f"  {file}: record {record}: {reason}")
        if len(total.corrupt) > _CORRUPT_SHOWN:
            notes.append(f"  … and {len(total.corrupt) - _CORRUPT_SHOWN:,} more (--json has all)")
    return ["", *notes] if notes else []
