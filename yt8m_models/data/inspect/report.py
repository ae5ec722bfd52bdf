"""The report, as JSON and as a table for the terminal."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from yt8m_models.data.inspect.file_report import FileReport
from yt8m_models.storage.text_tables import aligned

_MOST_FREQUENT = 10
_MOST_FREQUENT_IN_TABLE = 3
_CORRUPT_IN_TABLE = 20

Entry = dict[str, Any]
Column = tuple[str, str, Callable[[Entry], str]]


def as_dict(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The reports and their total, as values for `json.dumps`."""
    return {
        "files": [_entry(report) for report in reports],
        "total": {"num_files": len(reports), **_entry(FileReport.total(reports))},
    }


def spread(counts: Counter[int]) -> dict[str, float] | None:
    """Least, mean and greatest of numbers that are given with their counts; None without any."""
    if not counts.total():
        return None
    mean = sum(value * count for value, count in counts.items()) / counts.total()
    return {"min": min(counts), "mean": mean, "max": max(counts)}


def most_frequent(counts: Counter[int], number: int) -> list[tuple[int, int]]:
    """The most frequent classes with their videos; of equally frequent ones the lower first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]


def _entry(report: FileReport) -> Entry:
    sizes = {name: sorted(counts) for name, counts in report.features.items()}
    widest_first = sorted(sizes.items(), key=lambda item: (-max(item[1], default=0), item[0]))
    return {
        "file": report.file,
        "records": report.records,
        "complete": report.complete,
        "level": report.level,
        "features": dict(widest_first),
        "frames": spread(report.frames),
        "videos_without_frames": report.frames[0],
        "unequal_frames": {
            "videos": report.surplus_frames.total(),
            "largest_difference": max(report.surplus_frames, default=0),
        },
        "labels": {
            "per_video": spread(report.labels_per_video),
            "distinct": len(report.labels),
            "lowest": min(report.labels, default=None),
            "highest": max(report.labels, default=None),
            "most_frequent": [
                {"label": label, "videos": videos}
                for label, videos in most_frequent(report.labels, _MOST_FREQUENT)
            ],
        },
        "videos_without_labels": report.labels_per_video[0],
        "segment_ratings": {"positive": report.ratings[True], "negative": report.ratings[False]},
        "num_corrupt": len(report.corrupt),
        "corrupt": [entry._asdict() for entry in report.corrupt],
    }


def render(reports: Sequence[FileReport]) -> str:
    """A row for each file and a total row; below them what is unusual, with every reason."""
    entries, total = as_dict(reports).values()
    directories = {os.path.dirname(entry["file"]) for entry in entries}
    directory = directories.pop() if len(directories) == 1 else ""
    headings, alignments, cells = zip(*_columns(total), strict=True)
    rows = [
        (os.path.basename(entry["file"]) if directory else entry["file"], entry)
        for entry in entries
    ]
    if len(entries) > 1:
        rows.append((f"total of {len(entries)} files", total))
    table = [("file", *headings), *((name, *(cell(row) for cell in cells)) for name, row in rows)]
    lines = aligned(table, ["<", *alignments])
    rule = "─" * max(map(len, lines))
    lines.insert(1, rule)
    if len(entries) > 1:
        lines.insert(-1, rule)
    if directory:
        lines.insert(0, f"{directory}:")
    return "\n".join([*lines, *_notes(total)])


def _columns(total: Entry) -> list[Column]:
    """Heading, alignment and content of each column; those that apply to no record are left out."""
    columns: list[Column] = [
        ("records", ">", lambda row: f"{row['records']:,}{'' if row['complete'] else '+'}"),
        ("corrupt", ">", lambda row: f"{row['num_corrupt']:,}"),
        ("level", "<", lambda row: row["level"]),
        ("features", "<", _features),
    ]
    if total["frames"]:
        columns.append(("frames", ">", lambda row: _spread(row["frames"], ".0f")))
    columns += [
        ("labels/video", ">", lambda row: _spread(row["labels"]["per_video"], ".1f")),
        ("classes", ">", lambda row: f"{row['labels']['distinct']:,}"),
    ]
    if any(total["segment_ratings"].values()):
        columns.append(("rated, positive", ">", _ratings))
    return [*columns, ("most frequent (videos)", "<", _most_frequent)]


def _features(row: Entry) -> str:
    sizes = row["features"].items()
    return ", ".join(f"{name} {'/'.join(map(str, values)) or '?'}" for name, values in sizes) or "-"


def _spread(found: dict[str, float] | None, mean_format: str) -> str:
    """As `120–300, mean 211`."""
    return f"{found['min']}–{found['max']}, mean {found['mean']:{mean_format}}" if found else "-"


def _ratings(row: Entry) -> str:
    positive, negative = row["segment_ratings"].values()
    return f"{positive + negative:,}, {positive:,}" if positive + negative else "-"


def _most_frequent(row: Entry) -> str:
    classes = row["labels"]["most_frequent"][:_MOST_FREQUENT_IN_TABLE]
    return ", ".join(f"{entry['label']} ({entry['videos']:,})" for entry in classes) or "-"


def _notes(total: Entry) -> list[str]:
    notes = []
    if not total["complete"]:
        notes.append("+ there are more records, which were not looked at (--max_records)")
    if total["labels"]["distinct"]:
        notes.append(f"labels: {total['labels']['lowest']} to {total['labels']['highest']}")
    for lack in ("labels", "frames"):
        if count := total[f"videos_without_{lack}"]:
            notes.append(f"without {lack}: {count:,} {'video' if count == 1 else 'videos'}")
    if count := total["unequal_frames"]["videos"]:
        notes.append(
            f"features of unequal lengths: {count:,} {'video' if count == 1 else 'videos'}, by up "
            f"to {total['unequal_frames']['largest_difference']} frames (--unequal_frames)"
        )
    if count := total["num_corrupt"]:
        notes.append(f"corrupt: {count:,} (records count from 0)")
        for entry in total["corrupt"][:_CORRUPT_IN_TABLE]:
            notes.append(f"  {entry['file']}: record {entry['record']}: {entry['reason']}")
        if count > _CORRUPT_IN_TABLE:
            notes.append(f"  … and {count - _CORRUPT_IN_TABLE:,} more (--json has all)")
    return ["", *notes] if notes else []
