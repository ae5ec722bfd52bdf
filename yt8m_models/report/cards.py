"""Videos as cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple


class Score(NamedTuple):
    """A line of a card.

    Attributes:
        name: such as that of a class.
        text: the value.
        share: of the bar, from 0 to 1; `None` for no bar.
        tone: `right`, `wrong` or plain.
    """

    name: str
    text: str
    share: float | None = None
    tone: str = ""


class Card(NamedTuple):
    """A video.

    Attributes:
        video_id: its id.
        title: its title, where it has one.
        picture: a `data:` URI; empty where there is none.
        scores: lines below it.
        note: a last line.
    """

    video_id: str
    title: str = ""
    picture: str = ""
    scores: Sequence[Score] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or self.video_id


@dataclass(frozen=True)
class Cards:
    """Videos side by side.

    Attributes:
        title: what they have in common.
        cards: the videos.
        with_pictures: whether there is a place for a picture in each.
        note: below the title.
    """

    title: str
    cards: Sequence[Card]
    with_pictures: bool = False
    note: str = ""
    template: ClassVar[str] = "cards.html"
