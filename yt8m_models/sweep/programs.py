"""The programs that a sweep may run: those of `yt8m`, which imports this one, and so by name."""

import importlib
from collections.abc import Mapping

from yt8m_models.program.command import Program

_COMMAND = "yt8m_models.__main__"


def names() -> list[str]:
    """The names of all programs but this one."""
    programs: Mapping[str, str] = importlib.import_module(_COMMAND).PROGRAMS
    return [name for name in programs if name != "sweep"]


def program(name: str) -> Program:
    """The program of one of `names`."""
    found: Program = importlib.import_module(_COMMAND).program(name)
    return found
