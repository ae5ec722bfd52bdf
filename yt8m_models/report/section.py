"""A part of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Block(Protocol):
    """What a section shows; `template` names the file that turns it into HTML, as `block`."""

    @property
    def template(self) -> str: ...


@dataclass(frozen=True)
class Section:
    """A heading and what is below it.

    Attributes:
        title: the heading.
        blocks: from the first to the last.
        note: a sentence or two below the heading; none where it is empty.
    """

    title: str
    blocks: Sequence[Block]
    note: str = ""
