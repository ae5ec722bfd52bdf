"""A directory goes on with the flags that it was begun with."""

from collections.abc import Container, Mapping
from typing import Any


def require_same_flags(
    there: Mapping[str, Any],
    now: Mapping[str, Any],
    heading: str,
    advice: str = "",
    may_differ: Container[str] = (),
) -> list[str]:
    """Refuses flags that are not those a directory was begun with.

    Args:
        there: the values that were recorded, by flag.
        now: the values that are wanted; other flags do not matter.
        heading: the first line of the message.
        advice: its last line.
        may_differ: flags that are not refused.

    Returns:
        A line for each of `may_differ` that differs, with both values.

    Raises:
        ValueError: another value differs; the message has a line for each.
    """
    lines = {
        name: f"  --{name}: {flag_text(there.get(name))} there, {flag_text(value)} now"
        for name, value in now.items()
        if there.get(name) != value
    }
    refused = [line for name, line in lines.items() if name not in may_differ]
    if refused:
        raise ValueError("\n".join([heading, *refused, *filter(None, [advice])]))
    return list(lines.values())


def flag_text(value: Any) -> str:
    """A value as on the command line."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
