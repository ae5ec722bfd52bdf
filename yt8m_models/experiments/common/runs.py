"""Rows and seeds as runs, each in a directory that is named by what its result depends on."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from yt8m_models.experiments.common.rows import Row
from yt8m_models.storage.whole_file import join

RESULT = "result.json"

Found = TypeVar("Found", covariant=True)


class Run(Protocol[Found]):
    """What is done for a row and a seed: its name, where it is kept, and what it found."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> str: ...

    def result(self) -> Found | None:
        """`None` while it is not done."""


AnyRun = TypeVar("AnyRun", bound=Run)


def plan_runs(
    rows: Iterable[Row],
    seeds: Iterable[int],
    run_of: Callable[[Row, int], AnyRun],
    together: Callable[[AnyRun, AnyRun], AnyRun] = lambda first, other: first,
) -> dict[tuple[str, int], AnyRun]:
    """The run of each row's name and seed; runs in one directory are one.

    All rows come with the first seed before any comes with the second.

    Args:
        rows: all rows.
        seeds: all seeds.
        run_of: the run of a row and a seed.
        together: makes one of two runs in the same directory.
    """
    rows = list(rows)
    wanted = {(row.name, seed): run_of(row, seed) for seed in seeds for row in rows}
    by_directory: dict[str, AnyRun] = {}
    for run in wanted.values():
        first = by_directory.get(run.directory)
        by_directory[run.directory] = run if first is None else together(first, run)
    return {key: by_directory[run.directory] for key, run in wanted.items()}


def distinct(planned: Mapping[tuple[str, int], AnyRun]) -> list[AnyRun]:
    """The runs of a plan, each once."""
    return list({run.directory: run for run in planned.values()}.values())


def results_of(planned: Mapping[tuple[str, int], Run[Found]]) -> dict[str, Found]:
    """What was found so far, by the directory of the run.

    Raises:
        ValueError: a file is not a result.
    """
    found = {run.directory: run.result() for run in distinct(planned)}
    return {directory: result for directory, result in found.items() if result is not None}


def directory_of(output_dir: str, name: str, settings: Mapping[str, Any], seed: int) -> str:
    """Where the run with these settings is kept."""
    return join(output_dir, "runs", f"{name}-{digest(settings)}", f"seed{seed}")


def digest(settings: Any) -> str:
    """Ten characters for what JSON can hold, whatever the order of the keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]


def differing(
    values: Mapping[str, Any], defaults: Mapping[str, Any], unimportant: Collection[str]
) -> dict[str, Any]:
    """The values that are not the defaults, so that flags of later versions change no name."""
    return {
        name: value
        for name, value in values.items()
        if name not in unimportant and value != defaults[name]
    }


def defaults(config: type) -> dict[str, Any]:
    """The defaults of a dataclass."""
    return {field.name: field.default for field in dataclasses.fields(config)}
