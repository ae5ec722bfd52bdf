"""Videos that a search found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from yt8m_models.report.cards import Card


@dataclass(frozen=True)
class Related:
    """A query and its most similar videos, best first.

    Attributes:
        query: what was searched with.
        found: the videos, with one score each.
        with_pictures: whether there is a place for a picture in each.
    """

    query: Card
    found: Sequence[Card]
    with_pictures: bool = False
    template: ClassVar[str] = "related.html"
