"""The text of `--help`."""

import dataclasses
import os
import shutil
import sys
import textwrap
import typing
from collections.abc import Sequence
from typing import Any

from yt8m_models.program.option import flags_of


def help_page(name: str, description: str, positional: str | None, groups: Sequence[type]) -> str:
    """The usage and the description of a program, then the flags of each group."""
    width = min(shutil.get_terminal_size().columns, 100)
    arguments = f" {positional.upper()} …" if positional else ""
    lines = [f"usage: {name}{arguments} [--flag=value …]", "", *textwrap.wrap(description, width)]
    for group in groups:
        lines += ["", (group.__doc__ or group.__name__).strip().splitlines()[0]]
        for field, kind in flags_of(group):
            lines.append(f"  --{'[no]' if kind is bool else ''}{field.name}{_default(field)}")
            text = field.metadata["help"]
            if choices := field.metadata["choices"]:
                one = "Of" if typing.get_origin(kind) is tuple else "One of"
                text += f" {one} {', '.join(map(str, choices))}."
            if names := field.metadata["aliases"]:
                text += f" (also {', '.join(f'--{name}' for name in names)})"
            indent = " " * 8
            lines += textwrap.wrap(
                text.strip(), width - 8, initial_indent=indent, subsequent_indent=indent
            )
    return "\n".join(lines)


def print_page(text: str) -> None:
    """Prints a text of which a reader such as `head` may close the rest."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _default(field: dataclasses.Field[Any]) -> str:
    default = field.default
    if default is None and (text := field.metadata["unless_given"]):
        return f" = {text}"
    if default is None or default in ("", ()):
        return " (required)" if field.metadata["required"] else ""
    if isinstance(default, tuple):
        default = ",".join(str(entry) for entry in default)
    return f" = {str(default).lower() if isinstance(default, bool) else default}"
