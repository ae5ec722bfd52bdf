"""Command-line programs whose flags are the options of dataclasses.

A program names its dataclasses; each becomes a group of absl flags, and each field a flag with the
field's name, type, default, text, aliases and rules (see `yt8m_models.program.option`). Parsing
imports neither TensorFlow nor Keras, so that `--help` answers at once:

    PROGRAM = Program("yt8m train", "Train a model.", TrainConfig, DataConfig, ModelConfig)

    @PROGRAM.main
    def main(arguments):
        from yt8m_models.training.trainer import train

        train(arguments[TrainConfig], arguments[DataConfig], arguments[ModelConfig])

    if __name__ == "__main__":
        PROGRAM.run()
"""

import dataclasses
import logging
import os
import sys
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

from yt8m_models.program.help import help_page, print_page
from yt8m_models.program.interruption import Terminated, raise_interruption, sigterm_raises
from yt8m_models.program.option import check, flags_of
from yt8m_models.program.startup import start_tensorflow

Config = TypeVar("Config")
Main = TypeVar("Main", bound=Callable[..., Any])

_HELP = ("--help", "-help", "-h", "--helpfull", "--helpshort")


class UsageError(ValueError):
    """The command line is wrong; the message names the flag, the value and what is right."""


class Arguments:
    """A parsed command line: one instance of each of the program's dataclasses.

    Attributes:
        typed: the fields that the command line or its recipe set, each with the flag that set it:
            its own, an alias, or one that was translated.
    """

    def __init__(self, configs: Sequence[Any], typed: Mapping[str, str]) -> None:
        self._configs: dict[type, Any] = {type(config): config for config in configs}
        self.typed = typed

    @property
    def given(self) -> frozenset[str]:
        """Names of the fields that the command line set."""
        return frozenset(self.typed)

    def __getitem__(self, cls: type[Config]) -> Config:
        config: Config = self._configs[cls]
        return config

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
        positional: the flag that arguments without a name set, and all after `--`: a string with
            commas between them, or a tuple of them; where it is None, such arguments are refused.
        recipes: paths of files with flags, by what the string flag `recipe` calls them. Flags of
            the recipe hold unless the command line sets them, by whatever name.
        translate: changes the parsed command line, e.g. from other programs' names of flags; its
            `ValueError`s are mistakes in the command line.
        needs_tensorflow: whether TensorFlow is imported, quietly, before the work begins.
    """

    def __init__(
        self,
        name: str,
        description: str,
        *groups: type,
        positional: str | None = None,
        recipes: Mapping[str, str] | None = None,
        translate: Callable[[Arguments], Arguments] | None = None,
        needs_tensorflow: bool = True,
    ) -> None:
        self.name = name
        self.description = description
        self.groups = groups
        self.positional = positional
        self.recipes = recipes
        self.translate = translate
        self.needs_tensorflow = needs_tensorflow
        self._main: Callable[[Arguments], int | None] | None = None

    def main(self, function: Main) -> Main:
        """Decorates the function that does the work, given the `Arguments`.

        It may return the number of a signal after which it stopped by itself.
        """
        self._main = function
        return function

    def parse(self, argv: Sequence[str]) -> Arguments:
        """Parses the command line `argv` (without the program's name).

        Raises:
            UsageError: an unknown flag, an argument that is no flag, two names of one flag with
                different values, or a value that a flag or its dataclass refuses.
        """
        values = self._read(argv)
        sources = [values, *self._recipe(values)]
        typed: dict[str, str] = {}
        configs = []
        try:
            for group in self.groups:
                received = {}
                for field, kind in flags_of(group):
                    name, source = _typed_name(field, sources)
                    received[field.name] = _value(field, kind, source[name or field.name].value)
                    if name is not None:
                        typed[field.name] = name
                configs.append(group(**received))
            arguments = Arguments(configs, typed)
            return arguments if self.translate is None else self.translate(arguments)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def settings(self, **values: Any) -> Arguments:
        """As `parse`, of Python values by the names of flags.

        Args:
            values: numbers, booleans, texts, paths, or sequences of them; `None` is not given.

        Raises:
            UsageError: as of `parse`.
        """
        given = {name: value for name, value in values.items() if value is not None}
        return self.parse([f"--{name}={_text(value)}" for name, value in given.items()])

    def call(self, **values: Any) -> None:
        """Does the work with the flags of `settings`, in this process.

        Raises:
            KeyboardInterrupt: the work was interrupted, and has saved what it had.
            ValueError, OSError: as the program reports them.
        """
        work, arguments = self._work(), self.settings(**values)
        if self.needs_tensorflow:
            start_tensorflow()
        raise_interruption(work(arguments))

    def value(self, name: str, text: str) -> Any:
        """What a flag's text stands for, by the rules of its option alone.

        Raises:
            ValueError: there is no such flag, or its option refuses the value.
        """
        values = self._read([f"--{name}={text}"])
        ((field, kind),) = (
            (field, kind)
            for group in self.groups
            for field, kind in flags_of(group)
            if name in (field.name, *field.metadata["aliases"])
        )
        value = _value(field, kind, values[name].value)
        check(field, value)
        return value

    def run(self, argv: Sequence[str] | None = None) -> NoReturn:
        """Parses, does the work and exits.

        The status is 0; 1 after a `ValueError` or an `OSError`; 2 where the command line is wrong;
        128 + n after signal n, which removes unfinished files as any exception does.
        """
        argv = sys.argv[1:] if argv is None else argv
        if any(arg in _HELP for arg in argv):
            print_page(self.help())
            sys.exit(0)
        exit_cleanly(self._status(argv))

    def _status(self, argv: Sequence[str]) -> int:
        work = self._work()
        logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
        try:
            arguments = self.parse(argv)
            with sigterm_raises():
                if self.needs_tensorflow:
                    start_tensorflow()
                signal = work(arguments)
            return 0 if signal is None else 128 + signal
        except UsageError as error:
            print(f"{self.name}: {error}\nTry --help for all flags.", file=sys.stderr)
            return 2
        except (ValueError, OSError) as error:
            print(f"{self.name}: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt as interrupt:
            is_terminated = isinstance(interrupt, Terminated)
            what, status = ("terminated", 143) if is_terminated else ("interrupted", 130)
            print(f"{self.name}: {what}", file=sys.stderr)
            return status

    def _work(self) -> Callable[[Arguments], int | None]:
        if self._main is None:
            raise ValueError(f"{self.name} has no main: decorate the function that does the work")
        return self._main

    def help(self) -> str:
        """The text of `--help`: the description, then the flags of each group."""
        return help_page(self.name, self.description, self.positional, self.groups)

    def words(self) -> list[str]:
        """What a shell completes: each flag, and each flag with each of its choices."""
        words = []
        for group in self.groups:
            for field, kind in flags_of(group):
                equals = "" if kind is bool else "="
                words += [f"--{name}{equals}" for name in (field.name, *field.metadata["aliases"])]
                words += [f"--no{field.name}"] if kind is bool else []
                words += [f"--{field.name}={choice}" for choice in field.metadata["choices"] or ()]
        return words

    def _read(self, argv: Sequence[str]) -> FlagValues:
        values = self._define()
        try:
            rest = values([self.name, *argv])[1:]
        except Error as error:
            raise UsageError(str(error)) from None
        if rest:
            self._set_positional(values, rest)
        return values

    def _recipe(self, values: FlagValues) -> list[FlagValues]:
        """The flags of the recipe that is named; an unknown name is left to its option's rule."""
        path = None if self.recipes is None else self.recipes.get(str(values["recipe"].value))
        return [] if path is None else [self._read([f"--flagfile={path}"])]

    def _set_positional(self, values: FlagValues, rest: Sequence[str]) -> None:
        if self.positional is None:
            raise UsageError(f"arguments must be flags (--name=value); received {' '.join(rest)}")
        flag = values[self.positional]
        if flag.present:
            raise UsageError(f"received both --{self.positional}={flag.value} and {' '.join(rest)}")
        flag.parse(list(rest) if isinstance(flag.value, list) else ",".join(rest))
        flag.present += 1

    def _define(self) -> FlagValues:
        values = FlagValues()  # type: ignore[no-untyped-call]
        define: dict[Any, Callable[..., Any]] = {
            str: DEFINE_string,
            int: DEFINE_integer,
            float: DEFINE_float,
            bool: DEFINE_boolean,
            tuple: DEFINE_list,
        }
        for group in self.groups:
            for field, kind in flags_of(group):
                default = list(field.default) if isinstance(field.default, tuple) else field.default
                for name in (field.name, *field.metadata["aliases"]):
                    define[typing.get_origin(kind) or kind](
                        name,
                        default,
                        field.metadata["help"],
                        flag_values=values,
                        module_name=group.__name__,
                    )
        return values


def _text(value: Any) -> str:
    """A value as on the command line."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def exit_cleanly(status: int) -> NoReturn:
    """Ends the process with `status`, whatever tensorflow-io does at exit.

    Once its S3 file system was used, the usual end of the process aborts in a destructor (status
    134, "pure virtual method called") after all work is done. Then this flushes the logs and the
    standard streams and ends the process at once; otherwise it is `sys.exit`.
    """
    if "tensorflow_io" not in sys.modules:
        sys.exit(status)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _typed_name(
    field: dataclasses.Field[Any], sources: Sequence[FlagValues]
) -> tuple[str | None, FlagValues]:
    """The name that sets a field, its own or an alias, and the first source that has it."""
    for values in sources:
        names = [name for name in (field.name, *field.metadata["aliases"]) if values[name].present]
        for name in names[1:]:
            if values[name].value != values[names[0]].value:
                both = (names[0], name)
                received = " and ".join(f"--{each}={values[each].value}" for each in both)
                raise UsageError(f"received {received}: they are names of the same flag")
        if names:
            return names[0], values
    return None, sources[0]


def _value(field: dataclasses.Field[Any], kind: Any, value: Any) -> Any:
    """A parsed flag's value as its dataclass wants it."""
    if not isinstance(value, list):
        return value
    entry_type, _ = typing.get_args(kind)
    entries = [entry for entry in value if entry != ""]
    try:
        return tuple(map(entry_type, entries))
    except ValueError:
        numbers = "whole numbers" if entry_type is int else "numbers"
        raise UsageError(
            f"--{field.name} takes {numbers} with commas between; received {','.join(entries)}"
        ) from None
