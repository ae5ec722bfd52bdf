"""Options: the fields of a dataclass that are flags of a program.

    @dataclass(frozen=True)
    class SearchConfig(Options):
        \"\"\"Where to search, and for how many.\"\"\"

        index_dir: str = option("", "Directory of the index.", required=True)
        top_k: int = option(10, "Results of a query.", at_least=1)

What an option says of its values is checked when an instance is made, in Python as on the command
line; `__post_init__` of a subclass checks what two options say of each other.
"""

import dataclasses
import difflib
import math
import operator
import types
import typing
from collections.abc import Sequence
from typing import Any

_BOUNDS = {
    "at_least": operator.ge,
    "above": operator.gt,
    "at_most": operator.le,
    "below": operator.lt,
}


def option(
    default: Any,
    help: str,
    *,
    aliases: tuple[str, ...] = (),
    required: bool = False,
    choices: Sequence[Any] | None = None,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    distinct: bool = False,
    unless_given: str = "",
) -> Any:
    """A field that is also a flag. The rules hold for each entry of a tuple; `None` is exempt.

    Args:
        default: the value unless given.
        help: the flag's text.
        aliases: other names of the flag.
        required: a string or a tuple must not be empty.
        choices: the values that there are, beside the default.
        at_least, above, at_most, below: bounds of a number.
        distinct: the entries of a tuple must differ.
        unless_given: what `None` stands for, as `--help` says it in the place of the default.
    """
    rules = {"required": required, "choices": choices, "distinct": distinct}
    shown = {"help": help, "aliases": aliases, "unless_given": unless_given}
    bounds = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    return dataclasses.field(default=default, metadata={**shown, **rules, **bounds})


def same_option(config: type, name: str, default: Any = dataclasses.MISSING) -> Any:
    """The option of this name of another dataclass, with another default where one is given."""
    (field,) = (field for field in dataclasses.fields(config) if field.name == name)
    return dataclasses.field(
        default=field.default if default is dataclasses.MISSING else default,
        metadata=field.metadata,
    )


def unused_options(doc: str, config: type, *groups: type) -> type:
    """The options of `config` that no group has, as a group of flags that a program leaves unused.

    Each is `None` unless given, and any value is right.

    Args:
        doc: heads the group in `--help`.
        config: a dataclass of options.
        groups: the other groups of the program.
    """
    used = {field.name for group in groups for field, _ in flags_of(group)}
    fields = [
        (field.name, kind | None, option(None, "", aliases=field.metadata["aliases"]))
        for field, kind in flags_of(config)
        if field.name not in used
    ]
    name = f"Unused{config.__name__}"
    return dataclasses.make_dataclass(name, fields, frozen=True, namespace={"__doc__": doc})


class Options:
    """The base of dataclasses whose fields are options.

    Raises:
        ValueError: a value breaks a rule of its option; the message names the flag, the rule and
            the value.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            check(field, getattr(self, field.name))

    def require_at_most(self, name: str, other: str) -> None:
        """Raises a `ValueError` where one option is more than another."""
        value, bound = getattr(self, name), getattr(self, other)
        if value > bound:
            raise ValueError(f"--{name} must be at most --{other}={bound}; received {value}")


def check(field: dataclasses.Field[Any], value: Any) -> None:
    """Raises a `ValueError` where a value breaks a rule of its option."""
    rules = field.metadata
    if value is None or not rules:
        return
    entries = value if isinstance(value, tuple | list) else (value,)
    received = ",".join(map(str, entries)) or "nothing"
    if rules["required"] and not any(str(entry).strip() for entry in entries):
        raise ValueError(f"--{field.name} must be given; received nothing")
    if rules["choices"] is not None and value != field.default:
        for entry in entries:
            if entry not in rules["choices"]:
                raise ValueError(f"--{field.name}={entry}: {closest(entry, rules['choices'])}")
    bounds = {name: rules[name] for name in _BOUNDS if rules[name] is not None}
    for entry in entries:
        if isinstance(entry, float) and not math.isfinite(entry):
            raise ValueError(f"--{field.name} must be a finite number; received {received}")
        if isinstance(entry, int | float) and not all(
            _BOUNDS[name](entry, bound) for name, bound in bounds.items()
        ):
            wanted = " and ".join(f"{name} {bound}" for name, bound in bounds.items())
            wanted = wanted.replace("_", " ")  # such as `at least 0 and below 1`
            raise ValueError(f"--{field.name} must be {wanted}; received {received}")
    if rules["distinct"] and len(set(entries)) < len(entries):
        raise ValueError(f"--{field.name} must have entries that differ; received {received}")


def closest(value: Any, choices: Sequence[Any]) -> str:
    """The end of an error message: the names nearest to a mistyped one, then all choices."""
    by_lower_case = {choice.lower(): choice for choice in choices if isinstance(choice, str)}
    near = difflib.get_close_matches(str(value).lower(), by_lower_case, n=3, cutoff=0.5)
    known = f"one of {', '.join(map(str, choices))}"
    if not near:
        return f"must be {known}"
    return f"did you mean {' or '.join(by_lower_case[name] for name in near)}? ({known})"


def flags_of(group: type) -> list[tuple[dataclasses.Field[Any], Any]]:
    """The options of a dataclass with the type of each: `int` for `int` and `int | None`."""
    hints = typing.get_type_hints(group)
    return [(field, _given(hints[field.name])) for field in dataclasses.fields(group)]


def _given(hint: Any) -> Any:
    """The type without `None`."""
    if isinstance(hint, types.UnionType):
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not types.NoneType)
    return hint
