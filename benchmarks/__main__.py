"""Runs the benchmarks: `python -m benchmarks [--only=NAME,…] [--output=FILE]`.

Every module of this package that defines `figures(workdir)` is a benchmark.
"""

import importlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.comparison import compare, gain, slower
from benchmarks.figure import Figure, table
from benchmarks.report import report
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option
from yt8m_models.storage.whole_file import write_text

NAMES = tuple(
    sorted(
        path.stem
        for path in Path(__file__).parent.glob("[!_]*.py")
        if "\ndef figures(" in path.read_text(encoding="utf-8")
    )
)


@dataclass(frozen=True)
class BenchmarkConfig(Options):
    """What to measure, and where to write it."""

    only: tuple[str, ...] = option((), "Benchmarks to run; all unless given.", choices=NAMES)
    output: str = option("", "JSON file for the figures, the machine and the versions.")
    base: str = option(
        "",
        "Commit to compare the working tree with, both measured now in turn: fail where a figure "
        "is below nine tenths of the commit's.",
    )
    rounds: int = option(2, "--base: how often each of the two is measured.", at_least=1)


PROGRAM = Program("python -m benchmarks", "Measure this code against its bounds.", BenchmarkConfig)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[BenchmarkConfig]
    if config.base:
        _compare(config)
        return
    figures = measure(config.only or NAMES)
    print(table(figures))
    if config.output:
        write_text(config.output, json.dumps(report(figures), indent=2) + "\n")
    missed = [figure.name for figure in figures if not figure.reached]
    if missed:
        raise ValueError(f"not reached: {'; '.join(missed)}")


def _compare(config: BenchmarkConfig) -> None:
    pairs = compare(config.base, config.only or NAMES, config.rounds)
    for before, now in pairs:
        print(f"{now.name}: {now.value:.3g}, {gain(before, now):.2f} times {config.base}")
    if worse := slower(pairs):
        raise ValueError(f"worse than {config.base}:\n" + "\n".join(worse))


def measure(names: tuple[str, ...]) -> list[Figure]:
    """Runs the benchmarks of these names, each in a temporary directory of its own."""
    figures: list[Figure] = []
    for name in names:
        print(f"running {name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as workdir:
            figures += importlib.import_module(f"benchmarks.{name}").figures(Path(workdir))
    return figures


if __name__ == "__main__":
    PROGRAM.run()
