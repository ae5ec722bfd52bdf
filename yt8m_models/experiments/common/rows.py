"""The rows of a paper's tables and the points of its figures: what each changes."""

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A row of a table, or a point of a figure.

    Attributes:
        name: what `--rows` calls it.
        label: what the table calls it; of a point, its place on the axis.
        changes: of the configuration: what the row is about.
        series: of a point, the line that it is on.
        usual: of the configuration, unless the command line says otherwise.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    series: str = ""
    usual: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table of rows, or of points, as a figure is.

    Attributes:
        name: such as `table2` or `figure3-size`, also of its image.
        title: what it compares.
        rows: in the paper's order.
        axis: where the rows are points, the name of their x axis.
        level: where the rows are points, the name of one that is drawn as a level line instead.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    axis: str = ""
    level: str = ""

    @property
    def heading(self) -> str:
        """For people to read, with its number in the paper."""
        kind = "Figure" if self.name.startswith("figure") else "Table"
        return f"{kind} {self.name.removeprefix(kind.lower())[0]}: {self.title}"


def rows_of(tables: Sequence[Table]) -> list[Row]:
    """The rows of all tables, each name once."""
    return list({row.name: row for table in tables for row in table.rows}.values())


def selected(tables: Sequence[Table], patterns: Sequence[str]) -> list[Table]:
    """The tables with the rows whose names fit a pattern, without tables that have none.

    Without patterns these are all rows.

    Raises:
        ValueError: a pattern fits no row.
    """
    if not patterns:
        return list(tables)
    names = [row.name for row in rows_of(tables)]
    fitting: set[str] = set()
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise ValueError(f"--rows={pattern} fits no row; there are {', '.join(names)}")
        fitting.update(found)
    picked = [
        dataclasses.replace(table, rows=tuple(row for row in table.rows if row.name in fitting))
        for table in tables
    ]
    return [table for table in picked if table.rows]
