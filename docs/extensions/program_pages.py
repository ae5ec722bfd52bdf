"""A page for each program of `yt8m`, made of the definitions of its flags.

The pages are written to `reference/programs` as a build begins, and are in no commit.
"""

import dataclasses
import math
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yt8m_models.__main__ import GROUPS, program
from yt8m_models.program.option import flags_of

_KINDS = {str: "text", int: "whole number", float: "number"}
_PLACES = {str: "TEXT", int: "N", float: "X"}
_BOUNDS = {"at_least": "at least", "above": "above", "at_most": "at most", "below": "below"}


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir, "reference/programs")))
    return {"parallel_read_safe": True}


def write_pages(directory: Path) -> None:
    """Writes the page of every program and of all of them; those that are gone go, too."""
    directory.mkdir(exist_ok=True)
    names = [name for group in GROUPS.values() for name in group]
    pages = {"index": index_page(), **{name: program_page(name) for name in names}}
    for stale in {path.stem for path in directory.glob("*.md")} - set(pages):
        (directory / f"{stale}.md").unlink()
    for name, page in pages.items():
        path = directory / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != page:  # else Sphinx reads it again
            path.write_text(page, "utf-8")


def index_page() -> str:
    """The page of all programs, in the groups of `yt8m --help`."""
    lines = ["# Programs", "", "Each is `yt8m NAME`; `yt8m NAME --help` prints what its page has."]
    for title, group in GROUPS.items():
        lines += ["", f"## {title}", "", "| program | what it does |", "|---|---|"]
        lines += [f"| [`yt8m {name}`]({name}.md) | {line} |" for name, (_, line) in group.items()]
        lines += ["", "```{toctree}", ":hidden:", "", *group, "```"]
    return "\n".join([*lines, ""])


def program_page(name: str) -> str:
    """The page of one program: its description, and its flags in their groups."""
    described = program(name)
    positional = f" {described.positional.upper()} …" if described.positional else ""
    lines = [
        *(f"# yt8m {name}", "", _literal(described.description), ""),
        *("```sh", f"yt8m {name}{positional} [--flag=value …]", "```", ""),
        *("```{program} yt8m " + name, "```"),
    ]
    for group in described.groups:
        title, _, _ = (group.__doc__ or group.__name__).strip().partition("\n")
        lines += ["", f"## {_literal(title.rstrip('.:'))}"]
        for field, kind in flags_of(group):
            lines += ["", *_option(field, kind)]
    return "\n".join([*lines, ""])


def _option(field: dataclasses.Field[Any], kind: Any) -> Iterator[str]:
    value = "" if kind is bool else f"={_PLACES.get(kind, 'A,B,…')}"
    names = [f"--{'[no]' if kind is bool else ''}{field.name}{value}"]
    names += [f"--{alias}{value}" for alias in field.metadata["aliases"]]
    yield f"````{{option}} {', '.join(names)}"
    if text := field.metadata["help"]:
        yield from (_literal(text), "")
    yield f"*{'; '.join(_rules(field, kind))}*"
    yield "````"


def _rules(field: dataclasses.Field[Any], kind: Any) -> Iterator[str]:
    """What a value must be, and which it is unless given."""
    is_list = typing.get_origin(kind) is tuple
    rules = field.metadata
    entry = typing.get_args(kind)[0] if is_list else kind
    if rules["choices"]:
        choices = " ".join(f"`{choice}`" for choice in rules["choices"])
        yield f"{'any' if is_list else 'one'} of {choices}"
    elif entry is not bool:
        bounds = [
            f"{words} {_number(rules[name])}"
            for name, words in _BOUNDS.items()
            if rules[name] is not None
        ]
        yield " ".join([_KINDS[entry], " and ".join(bounds)]).strip()
    else:
        yield "switch"
    if is_list:
        yield "several with commas between" + (", no two alike" if rules["distinct"] else "")
    yield _default(field)


def _default(field: dataclasses.Field[Any]) -> str:
    default = field.default
    if default is None and (text := field.metadata["unless_given"]):
        return f"unless given, {_literal(text)}"
    if default is None or default in ("", ()):
        return "required" if field.metadata["required"] else "optional"
    if isinstance(default, bool):
        return f"default `{str(default).lower()}`"
    entries = default if isinstance(default, tuple) else (default,)
    return f"default `{','.join(map(str, entries))}`"


def _number(bound: float) -> str:
    return f"{bound:,}" if math.isfinite(bound) and bound == int(bound) else str(bound)


def _literal(text: str) -> str:
    """A flag's text, which is plain, as Markdown that reads the same; --flags are code."""
    words = []
    for word in text.split(" "):
        core = word.strip("(),.;:")
        if core.startswith("--") and "`" not in word:
            word = word.replace(core, f"`{core}`")
        elif "`" not in word:
            for character in r"\*_[]<>|#":
                word = word.replace(character, f"\\{character}")
        words.append(word)
    return " ".join(words)
