"""Tables as text: comma-separated values, Markdown and aligned columns."""

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Comma-separated values; numbers that are not known (NaN) are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow("" if value != value else value for value in row)
    return text.getvalue()


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def aligned(rows: Sequence[Sequence[str]], alignments: Sequence[str]) -> list[str]:
    """Lines of columns two spaces apart, each aligned to the left (`<`) or to the right (`>`)."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    formats = list(zip(alignments, widths, strict=True))
    return [
        "  ".join(
            f"{cell:{alignment}{width}}"
            for cell, (alignment, width) in zip(row, formats, strict=True)
        ).rstrip()
        for row in rows
    ]
