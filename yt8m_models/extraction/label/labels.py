"""Files of the labels of videos."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from yt8m_models.extraction.labelled import Label, Labelled
from yt8m_models.storage.text_tables import csv_text


def csv_of(videos: Iterable[Labelled]) -> str:
    """A line for each label: of segments with start and end in seconds, of videos without."""
    header = ("video_id", "path", "start", "end", "class", "name", "score")
    return csv_text(header, (row for video in videos for row in _rows(video)))


def json_of(videos: Iterable[Labelled]) -> str:
    """A list of the videos with their labels and, where asked for, segments."""
    return json.dumps([_as_dict(video) for video in videos], indent=1, ensure_ascii=False) + "\n"


def _rows(labelled: Labelled) -> Iterator[tuple[object, ...]]:
    video = labelled.video
    of_parts: list[tuple[tuple[Any, Any], list[Label]]] = [(("", ""), labelled.labels)]
    of_parts += labelled.segments.items()
    for (start, end), labels in of_parts:
        for label in labels:
            score = f"{label.score:.6g}"
            yield video.id, video.path, start, end, label.number, label.name, score


def _as_dict(labelled: Labelled) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": labelled.video.id,
        "path": labelled.video.path,
        "labels": _as_dicts(labelled.labels),
    }
    if labelled.segments:
        entry["segments"] = [
            {"start": start, "end": end, "labels": _as_dicts(labels)}
            for (start, end), labels in labelled.segments.items()
        ]
    return entry


def _as_dicts(labels: Iterable[Label]) -> list[dict[str, Any]]:
    return [{"class": each.number, "name": each.name, "score": each.score} for each in labels]
