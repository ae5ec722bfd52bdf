"""The labels of a video."""

from dataclasses import dataclass, field
from typing import NamedTuple

from yt8m_models.extraction.video_list import Video

Times = tuple[float, float]  # start and end, in seconds


class Label(NamedTuple):
    """A class, its name (empty where it is not known) and its score, 0 to 1."""

    number: int
    name: str
    score: float


@dataclass(frozen=True)
class Labelled:
    """The labels of a video, best first, and those of its segments by their times."""

    video: Video
    labels: list[Label]
    segments: dict[Times, list[Label]] = field(default_factory=dict)
