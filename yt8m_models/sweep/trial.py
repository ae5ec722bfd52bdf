"""A trial of a sweep."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

COMPLETE, FAILED, RUNNING = "complete", "failed", "running"


@dataclass(frozen=True)
class Trial:
    """A run of the program with one choice of settings.

    Attributes:
        number: of the trial, from 0.
        settings: the value of each dimension as on the command line, by the dimension's name.
        state: `complete`, `failed`, or `running`, which an interrupted one is too.
        value: of the objective; NaN where it is not complete.
        error: why it failed.
    """

    number: int
    settings: Mapping[str, str]
    state: str = RUNNING
    value: float = math.nan
    error: str = ""
