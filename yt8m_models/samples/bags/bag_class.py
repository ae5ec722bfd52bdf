"""A class of a sample data set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BagClass:
    """A class: its name, its group, and which videos have it.

    Attributes:
        name: as in `vocabulary.csv`.
        vertical: the group.
        holds: from the set of kinds of images that a video shows, and the share of its frames that
            show the most frequent kind.
    """

    name: str
    vertical: str
    holds: Callable[[set[int], float], bool]


def labels_of(
    classes: Sequence[BagClass], frames_by_kind: Mapping[int, int], num_frames: int
) -> list[int]:
    """Which classes a video of `num_frames` has that shows each kind in so many frames."""
    share = max(frames_by_kind.values()) / num_frames
    shown = set(frames_by_kind)
    return [index for index, entry in enumerate(classes) if entry.holds(shown, share)]
