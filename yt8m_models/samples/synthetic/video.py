"""One video as it is before it becomes a record."""

from dataclasses import dataclass

import numpy as np

Segment = tuple[int, int, int, float]


@dataclass(frozen=True)
class Video:
    """A video: its id, its labels, its frames and, at segment level, its rated segments.

    Attributes:
        video_id: four characters.
        labels: sorted class ids, int64 `(labels,)`.
        frames: quantised frames of all features side by side, uint8 `(frames, sum of sizes)`.
        segments: rated segments `(start, end, class, score)`, in frames; the score is 1 where the
            class is what the segment shows, else 0.
    """

    video_id: bytes
    labels: np.ndarray
    frames: np.ndarray
    segments: list[Segment]
