"""Numbers as the pages show them."""

import math


def number_text(value: float | int | None, form: str = "") -> str:
    """A number; a dash where it is not known (`None` or NaN).

    Args:
        value: the number.
        form: a format specification; unless given whole numbers have thousands separators, and
            others six significant digits.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return format(value, form or ("," if isinstance(value, int) else ".6g"))


def parsed(text: str) -> str | int | float | None:
    """The number that a cell of a CSV file holds; its text where it is none, `None` where empty."""
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
