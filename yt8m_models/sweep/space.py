"""Search spaces as people type them."""

import csv
import re

from yt8m_models.program.command import Program
from yt8m_models.sweep.dimension import Dimension

_RANGE = re.compile(r"(uniform|log)\(([^,()]+),([^,()]+)\)")


def parse_space(text: str, program: Program) -> list[Dimension]:
    """The dimensions of a search space.

    Args:
        text: such as `margin/mining=0/hardest,0.1/semi_hard; base_learning_rate=log(1e-4,0.1)`.
        program: whose flags they are.

    Raises:
        ValueError: an entry cannot be understood, the program has no such flag or refuses a value,
            or two dimensions have one flag; the message names the entry.
    """
    dimensions = [_dimension(part.strip(), program) for part in text.split(";") if part.strip()]
    flags = [flag for dimension in dimensions for flag in dimension.flags]
    if not flags:
        raise ValueError(f"--space must name a flag; received {text!r}")
    for flag in flags:
        if flags.count(flag) > 1:
            raise ValueError(f"--space must have each flag once; received --{flag} again")
    return dimensions


def _dimension(entry: str, program: Program) -> Dimension:
    names, equals, domain = (part.strip() for part in entry.partition("="))
    flags = tuple(name.strip().removeprefix("--") for name in names.split("/"))
    try:
        if not equals or not domain:
            raise ValueError("it must be a flag, =, and its values")
        if found := _RANGE.fullmatch(domain):
            return _range(flags, found, program)
        (values,) = csv.reader([domain], skipinitialspace=True)
        dimension = Dimension(flags, tuple(value.strip() for value in values))
        for value in dimension.choices:
            _check(dimension, value, program)
        if len(set(dimension.choices)) < len(dimension.choices):
            raise ValueError("its values must differ")
        return dimension
    except ValueError as error:
        raise ValueError(f"--space, {entry}: {error}") from None


def _range(flags: tuple[str, ...], found: re.Match[str], program: Program) -> Dimension:
    if len(flags) > 1:
        raise ValueError("flags that vary together have values, and no range")
    low, high = (program.value(flags[0], end.strip()) for end in found.groups()[1:])
    if type(low) not in (int, float):
        raise ValueError("a range needs a flag that takes a number")
    is_log = found[1] == "log"
    if not low < high or (is_log and low <= 0):
        above = "above 0, " if is_log else ""
        raise ValueError(f"a range must begin {above}below its end")
    return Dimension(flags, (), low, high, is_log)


def _check(dimension: Dimension, value: str, program: Program) -> None:
    if len(dimension.flags) > 1 and value.count("/") != len(dimension.flags) - 1:
        raise ValueError(f"{value} must have a value for each of {dimension.name}, with / between")
    for argument in dimension.arguments(value):
        program.value(*argument.removeprefix("--").split("=", 1))
