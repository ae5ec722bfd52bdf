"""Rows and seeds as runs, each in a directory that is named by what its result depends on."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from yt8m_models.experiments.common.rows import Row
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import join

RESULT = "result.json"

Kept = TypeVar("Kept", bound="Result")


@dataclass(frozen=True)
class Result:
    """What a run found, kept as a JSON file.

    Attributes:
        settings: those of the run.
        seed: of the run.
    """

    settings: Mapping[str, Any]
    seed: int

    def write(self, path: str) -> None:
        """Writes a file that appears whole or not at all."""
        write_result(path, self.record())

    @classmethod
    def read(cls: type[Kept], path: str) -> Kept | None:
        """The result that `write` wrote; `None` where there is none.

        Raises:
            ValueError: the file is not one.
        """
        return read_result(path, cls.from_record)

    def record(self) -> dict[str, Any]:
        """The same as values that JSON can hold."""
        return vars(self)

    @classmethod
    def from_record(cls: type[Kept], record: dict[str, Any]) -> Kept:
        """Inverse of `record`, after JSON."""
        return cls(**record)


Found = TypeVar("Found", bound=Result)


@dataclass(frozen=True)
class Run(Generic[Found]):
    """What is done for a row and a seed.

    Attributes:
        name: of the first row that it is for, and the seed.
        directory: for its training (`train`) and its result (`result.json`). It is named by the
            settings, so that equal runs are one, also those of another command.
        settings: all that the result depends on but the seed, where it is not the default.
    """

    name: str
    directory: str
    settings: Mapping[str, Any]

    def commands(self) -> list[str]:
        """Command lines with all that it is done with, but for the seed; none where unknown."""
        return []

    def result(self) -> Found | None:
        """What it found; `None` while there is nothing to report."""
        raise NotImplementedError

    def is_done(self) -> bool:
        """Whether its result is complete."""
        return self.result() is not None


AnyRun = TypeVar("AnyRun", bound=Run[Any])


def plan_runs(
    rows: Sequence[Row],
    seeds: Sequence[int],
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
    wanted = {(row.name, seed): run_of(row, seed) for seed in seeds for row in rows}
    by_directory: dict[str, AnyRun] = {}
    for run in wanted.values():
        first = by_directory.get(run.directory)
        by_directory[run.directory] = run if first is None else together(first, run)
    return {key: by_directory[run.directory] for key, run in wanted.items()}


def distinct(planned: Mapping[tuple[str, int], AnyRun]) -> list[AnyRun]:
    """The runs of a plan, each once."""
    return list({run.directory: run for run in planned.values()}.values())


def directory_of(output_dir: str, name: str, settings: Mapping[str, Any], seed: int) -> str:
    """Where the run with these settings is kept."""
    return join(output_dir, "runs", f"{name}-{digest(settings)}", f"seed{seed}")


def digest(settings: Any) -> str:
    """Ten characters for what JSON can hold, whatever the order of the keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]


def differing(
    values: Mapping[str, Any], config: type, unimportant: Collection[str]
) -> dict[str, Any]:
    """The values that are not a dataclass's defaults: flags of later versions change no name."""
    usual = defaults(config)
    return {
        name: value
        for name, value in values.items()
        if name not in unimportant and value != usual[name]
    }


def defaults(config: type) -> dict[str, Any]:
    """The defaults of a dataclass."""
    return {field.name: field.default for field in dataclasses.fields(config)}
