"""The report as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from yt8m_models.data.inspect.file_report import FileReport

MOST_FREQUENT = 10


def as_dict(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The reports and their total, as values for `json.dumps`."""
    return {
        "files": [_report(report) for report in reports],
        "total": {"num_files": len(reports), **_report(FileReport.total(reports))},
    }


def spread(counts: Counter[int]) -> dict[str, float] | None:
    """Least, mean and greatest of numbers that are given with their counts; None without any."""
    if not counts.total():
        return None
    mean = sum(value * count for value, count in counts.items()) / counts.total()
    return {"min": min(counts), "mean": mean, "max": max(counts)}


def sizes_by_feature(report: FileReport) -> dict[str, list[int]]:
    """The sizes that occur of each feature, the widest first; [] where no video has frames."""
    sizes = {name: sorted(counts) for name, counts in report.features.items()}
    return dict(sorted(sizes.items(), key=lambda item: (-max(item[1], default=0), item[0])))


def most_frequent(counts: Counter[int], number: int) -> list[tuple[int, int]]:
    """The most frequent classes with their videos; of equally frequent ones the lower first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]


def _report(report: FileReport) -> dict[str, Any]:
    return {
        "file": report.file,
        "records": report.records,
        "complete": report.complete,
        "level": report.level,
        "features": sizes_by_feature(report),
        "frames": spread(report.frames),
        "videos_without_frames": report.frames[0],
        "labels": {
            "per_video": spread(report.labels_per_video),
            "distinct": len(report.labels),
            "lowest": min(report.labels, default=None),
            "highest": max(report.labels, default=None),
            "most_frequent": [
                {"label": label, "videos": videos}
                for label, videos in most_frequent(report.labels, MOST_FREQUENT)
            ],
        },
        "videos_without_labels": report.labels_per_video[0],
        "segment_ratings": {"positive": report.ratings[True], "negative": report.ratings[False]},
        "num_corrupt": len(report.corrupt),
        "corrupt": [entry._asdict() for entry in report.corrupt],
    }
