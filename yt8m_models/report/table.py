"""Tables that can be sorted and searched."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from yt8m_models.report.numbers import number_text

Value = str | int | float | None
_ROWS_TO_SEARCH = 12


class _Cell(NamedTuple):
    """What a cell shows, its number for sorting, and its share of 1 where it has a bar."""

    text: str
    number: str | None
    share: float | None


@dataclass(frozen=True)
class Table:
    """A table with one header; columns of numbers stand on the right.

    Attributes:
        title: what it shows.
        header: names of the columns.
        rows: their values, `None` where there is none.
        formats: of the numbers of some columns, by their names.
        bars: columns of numbers from 0 to 1 that are drawn as bars too.
        marked: rows that stand out.
        mark: what they are, such as `best`.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Value]]
    formats: Mapping[str, str] = field(default_factory=dict)
    bars: Collection[str] = ()
    marked: Collection[int] = ()
    mark: str = ""
    template: ClassVar[str] = "table.html"

    @property
    def is_searchable(self) -> bool:
        """Whether there are enough rows to search among."""
        return len(self.rows) > _ROWS_TO_SEARCH

    @property
    def are_numbers(self) -> list[bool]:
        """Whether each column has numbers alone."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.header)
        return [not any(isinstance(value, str) for value in column) for column in columns]

    @property
    def cells(self) -> list[list[_Cell]]:
        """The rows as they are shown."""
        return [
            [self._cell(name, value) for name, value in zip(self.header, row, strict=True)]
            for row in self.rows
        ]

    def _cell(self, name: str, value: Value) -> _Cell:
        if isinstance(value, str):
            return _Cell(value, None, None)
        text = number_text(value, self.formats.get(name, ""))
        if value is None or not math.isfinite(value):
            return _Cell(text, "", None)
        share = round(min(max(value, 0.0), 1.0), 4) if name in self.bars else None
        return _Cell(text, repr(value), share)
