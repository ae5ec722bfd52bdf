"""A class of a sample data set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rule = Callable[[set[int], float], bool]


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
    holds: Rule


def bag_classes(
    group: str, kinds: Sequence[str], properties: Mapping[str, Rule]
) -> tuple[BagClass, ...]:
    """A class for each kind of images, and one for each property of the kinds that are shown."""
    return (
        *(BagClass(name, group.capitalize(), _shows(kind)) for kind, name in enumerate(kinds)),
        *(BagClass(name, f"Properties of {group}", holds) for name, holds in properties.items()),
    )


def _shows(kind: int) -> Rule:
    return lambda shown, share: kind in shown


def labels_of(
    classes: Sequence[BagClass], frames_by_kind: Mapping[int, int], num_frames: int
) -> list[int]:
    """Which classes a video of `num_frames` has that shows each kind in so many frames."""
    share = max(frames_by_kind.values()) / num_frames
    shown = set(frames_by_kind)
    return [index for index, entry in enumerate(classes) if entry.holds(shown, share)]
