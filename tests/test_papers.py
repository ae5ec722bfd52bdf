"""`docs/papers.md` names tests, programs and flags that there are."""

import dataclasses
import re
from pathlib import Path

from yt8m_models.__main__ import PROGRAMS, program

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "papers.md").read_text("utf-8")
CODE = re.findall(r"`([^`\n]+)`", PAGE)


def test_the_tests_are_there():
    found = [re.fullmatch(r"([a-z_/]+\.py)(?:::(test_\w+))?", code) for code in CODE]
    named = [match.groups() for match in found if match]
    assert len(named) > 10
    for path, name in named:
        text = (TESTS / path).read_text("utf-8")
        assert name is None or f"def {name}(" in text, (path, name)


def test_the_programs_and_their_flags_are_there():
    flags = {
        field.name: name
        for name in PROGRAMS
        for group in program(name).groups
        for field in dataclasses.fields(group)
    }
    commands = [code.split() for code in CODE if code.startswith("yt8m ")]
    assert len(commands) > 5
    assert {command[1] for command in commands} <= set(PROGRAMS)
    for flag in re.findall(r"--(\w+)", " ".join(CODE)):
        assert flag in flags or flag.removeprefix("no") in flags, flag
