"""Figures in large type."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple


class _Fact(NamedTuple):
    """A figure, what it is, and what there is to add."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """A few figures side by side.

    Attributes:
        facts: the name, the value and, where there is one, a note of each.
    """

    facts: Sequence[tuple[str, str] | tuple[str, str, str]]
    template: ClassVar[str] = "facts.html"

    @property
    def shown(self) -> list[_Fact]:
        """The facts with their three parts."""
        return [_Fact(*fact) for fact in self.facts]
