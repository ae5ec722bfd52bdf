"""Command-line programs whose flags are the fields of dataclasses.

A program names its dataclasses; each becomes a group of absl flags, and each field a flag with the
field's name, type, default, `help`, `aliases` and `choices` (see `yt8m_models.config.option`).
Parsing imports neither TensorFlow nor Keras, so that `--help` answers at once:

    PROGRAM = Program("yt8m-train", "Train a model.", TrainConfig, DataConfig, ModelConfig)

    def main(arguments):
        train(arguments[TrainConfig], arguments[DataConfig], arguments[ModelConfig])

    if __name__ == "__main__":
        PROGRAM.run(main)
"""

import dataclasses
import difflib
import logging
import os
import shutil
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from absl.flags import (
    DEFINE_boolean,
    DEFINE_float,
    DEFINE_integer,
    DEFINE_list,
    DEFINE_string,
    Error,
    FlagValues,
)

from yt8m_models.program.startup import start_tensorflow
from yt8m_models.storage.filesystems import exit_cleanly

Config = TypeVar("Config")


class UsageError(ValueError):
    """The command line is wrong; the message names the flag, the value and what is right."""


class Arguments:
    """A parsed command line: one instance of each of the program's dataclasses.

    Attributes:
        typed: the fields that the command line set, each with the flag that set it: its own, an
            alias, or one that was translated.
    """

    def __init__(self, configs: Sequence[Any], typed: Mapping[str, str]) -> None:
        self._configs = {type(config): config for config in configs}
        self.typed = typed

    @property
    def given(self) -> frozenset[str]:
        """Names of the fields that the command line set."""
        return frozenset(self.typed)

    def __getitem__(self, cls: type[Config]) -> Config:
        return self._configs[cls]

    def replace(self, config: Any, typed: Mapping[str, str]) -> "Arguments":
        """The same with another instance of a dataclass, whose changed fields `typed` set."""
        configs = {**self._configs, type(config): config}
        return Arguments(list(configs.values()), {**self.typed, **typed})


class Program:
    """A command-line program: a name, a description and groups of flags.

    Args:
        name: the command, as users type it.
        description: what it does; the first paragraph of `--help`.
        groups: dataclasses; the first line of each docstring heads its group in `--help`.
        positional: the string flag that arguments without a name set, with commas between them;
            where it is None, such arguments are refused.
        translate: changes the parsed command line, e.g. from other programs' names of flags; its
            `ValueError`s are mistakes in the command line.
    """

    def __init__(
        self,
        name: str,
        description: str,
        *groups: type,
        positional: str | None = None,
        translate: Callable[[Arguments], Arguments] | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.groups = groups
        self.positional = positional
        self.translate = translate

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Parses the command line `argv` (without the program's name).

        Raises:
            UsageError: an unknown flag, an argument that is no flag, two names of one flag with
                different values, or a value that a flag or its dataclass refuses.
        """
        values = self._define()
        try:
            rest = values([self.name, *argv])[1:]
        except Error as error:
            raise UsageError(str(error)) from None
        if rest:
            self._set_positional(values, rest)
        typed: dict[str, str] = {}
        configs = []
        try:
            for group in self.groups:
                received = {}
                for field in dataclasses.fields(group):
                    name = _typed_name(field, values)
                    received[field.name] = _value(field, values[name or field.name].value)
                    if name is not None:
                        typed[field.name] = name
                configs.append(group(**received))
            arguments = Arguments(configs, typed)
            return arguments if self.translate is None else self.translate(arguments)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def run(self, main: Callable[[Arguments], Any], argv: Sequence[str] | None = None) -> NoReturn:
        """Parses, calls `main` and exits: 0, or 1 after a `ValueError` or an `OSError`."""
        argv = sys.argv[1:] if argv is None else argv
        if any(arg in ("--help", "-help", "-h", "--helpfull", "--helpshort") for arg in argv):
            _print_page(self.help())
            sys.exit(0)
        logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
        try:
            arguments = self.parse(argv)
            start_tensorflow()
            main(arguments)
        except UsageError as error:
            print(f"{self.name}: {error}\nTry --help for all flags.", file=sys.stderr)
            exit_cleanly(2)
        except (ValueError, OSError) as error:
            print(f"{self.name}: {error}", file=sys.stderr)
            exit_cleanly(1)
        except KeyboardInterrupt:
            print(f"{self.name}: interrupted", file=sys.stderr)
            exit_cleanly(130)
        exit_cleanly(0)

    def help(self) -> str:
        """The text of `--help`: the description, then the flags of each group."""
        width = min(shutil.get_terminal_size().columns, 100)
        positional = f" {self.positional.upper()} …" if self.positional else ""
        lines = [
            f"usage: {self.name}{positional} [--flag=value …]",
            "",
            *textwrap.wrap(self.description, width),
        ]
        for group in self.groups:
            lines += ["", (group.__doc__ or group.__name__).strip().splitlines()[0]]
            for field, kind in _flags(group):
                lines.append(f"  --{'[no]' if kind is bool else ''}{field.name}{_default(field)}")
                text = field.metadata["help"]
                if names := _aliases(field):
                    text += f" (also {', '.join(f'--{name}' for name in names)})"
                lines += textwrap.wrap(
                    text, width - 8, initial_indent=" " * 8, subsequent_indent=" " * 8
                )
        return "\n".join(lines)

    def _set_positional(self, values: FlagValues, rest: Sequence[str]) -> None:
        if self.positional is None:
            raise UsageError(f"arguments must be flags (--name=value); received {' '.join(rest)}")
        flag = values[self.positional]
        if flag.present:
            raise UsageError(f"received both --{self.positional}={flag.value} and {' '.join(rest)}")
        flag.parse(",".join(rest))
        flag.present += 1

    def _define(self) -> FlagValues:
        values = FlagValues()
        define: dict[Any, Callable[..., Any]] = {
            str: DEFINE_string,
            int: DEFINE_integer,
            float: DEFINE_float,
            bool: DEFINE_boolean,
            tuple: DEFINE_list,
        }
        for group in self.groups:
            for field, kind in _flags(group):
                default = list(field.default) if isinstance(field.default, tuple) else field.default
                for name in (field.name, *_aliases(field)):
                    define[kind](
                        name,
                        default,
                        field.metadata["help"],
                        flag_values=values,
                        module_name=group.__name__,
                    )
        return values


def closest(value: str, choices: Sequence[str]) -> str:
    """The end of an error message: the choices nearest to a mistyped value, then all of them."""
    by_lower_case = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(value.lower(), by_lower_case, n=3, cutoff=0.5)
    suggestion = (
        f"did you mean {' or '.join(by_lower_case[name] for name in near)}? " if near else ""
    )
    return f"{suggestion}(one of {', '.join(choices)})"


def _flags(group: type) -> list[tuple[dataclasses.Field, type]]:
    """A dataclass's fields with the kind of flag each is: str, int, float, bool or tuple."""
    hints = typing.get_type_hints(group)
    return [(field, _kind(hints[field.name])) for field in dataclasses.fields(group)]


def _kind(hint: Any) -> type:
    """`int` for `int` and `int | None`, `tuple` for `tuple[str, ...]`, and so on."""
    if isinstance(hint, types.UnionType):
        (hint,) = (arg for arg in typing.get_args(hint) if arg is not types.NoneType)
    return typing.get_origin(hint) or hint


def _typed_name(field: dataclasses.Field, values: FlagValues) -> str | None:
    """The name by which the command line sets a field: its own or an alias."""
    names = [name for name in (field.name, *_aliases(field)) if values[name].present]
    for name in names[1:]:
        if values[name].value != values[names[0]].value:
            received = " and ".join(f"--{name}={values[name].value}" for name in (names[0], name))
            raise UsageError(f"received {received}: they are names of the same flag")
    return names[0] if names else None


def _value(field: dataclasses.Field, value: Any) -> Any:
    """A parsed flag's value as its dataclass wants it."""
    choices = field.metadata.get("choices")
    if choices and value is not None and value not in choices:
        raise UsageError(f"--{field.name}={value}: {closest(value, choices)}")
    if not isinstance(value, list):
        return value
    value = [entry for entry in value if entry != ""]
    if isinstance(field.default, tuple) and field.default and isinstance(field.default[0], int):
        try:
            return tuple(int(entry) for entry in value)
        except ValueError:
            raise UsageError(
                f"--{field.name} takes whole numbers with commas between; "
                f"received {','.join(value)}"
            ) from None
    return tuple(value)


def _aliases(field: dataclasses.Field) -> tuple[str, ...]:
    return field.metadata.get("aliases", ())


def _default(field: dataclasses.Field) -> str:
    default = field.default
    if default is None or default in ("", ()):
        return ""
    if isinstance(default, tuple):
        default = ",".join(str(entry) for entry in default)
    return f" = {str(default).lower() if isinstance(default, bool) else default}"


def _print_page(text: str) -> None:
    """Prints a text of which a reader such as `head` may close the rest."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
