"""Reading watch logs: who watched, was shown or rated which video, and when."""

import bz2
import csv
import glob
import gzip
import logging
import lzma
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
import pandas as pd

from yt8m_models.data.packed_ids import MOST_BYTES
from yt8m_models.data.patterns import match_files
from yt8m_models.graph.engine import INTERRUPTED, engine, first_line
from yt8m_models.graph.watch_log_options import AUTO, TIME_UNITS, WatchLogOptions
from yt8m_models.program.extras import require
from yt8m_models.storage.archives import DAMAGED_ARCHIVE, require_no_bomb
from yt8m_models.storage.filesystems import scheme

USER, VIDEO, TIME = "user", "video", "time"
WATCHED, IMPRESSION, RATING, LABEL = "watched_seconds", "impression", "rating", "label"
MICROSECONDS = 1_000_000

_LOGGER = logging.getLogger(__name__)
_VECTORS = 128  # of 2,048 rows each, in a block of a result
_BLOCK_BYTES = 1 << 20
_PROBED_ROWS = 1000
_MOST_QUOTED = 200
_LARGEST_TIME = 1 << 61  # in microseconds: differences do not overflow
# The numbers that each unit has from 1973 to 5138; smaller ones are seconds, or 0.
_AUTO_RANGES = {"s": (0.0, 1e11), "ms": (1e11, 1e14), "us": (1e14, 1e17), "ns": (1e17, 1e20)}
_IN_MICROSECONDS = {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0.001}
_DAY_IN_DIGITS = re.compile(r"(19[7-9]|20\d)\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
# The forms of ISO 8601 that a cast does not take, made into one that it does, in turn.
_ISO_8601 = (
    (r"^(\d\d\d\d)-(\d\d)$", r"\1-\2-01"),
    (r"^(\d\d\d\d)-?(\d\d)-?(\d\d)[T ]", r"\1-\2-\3T"),
    (r"T(\d\d)(\d\d)", r"T\1:\2"),
    (r"(T\d\d:\d\d)(\d\d)", r"\1:\2"),
    (r"(:\d\d),(\d)", r"\1.\2"),
    (r" (Z|[+-]\d\d(:?\d\d)?)$", r"\1"),
    (r"(T\d\d)(Z|[+-].*)?$", r"\1:00\2"),
)

_NUMBER = "try_cast({0} AS DOUBLE)"
_CSV = (
    "read_csv(?, columns = ?, delim = ?, header = ?, auto_detect = false, quote = '\"', "
    "escape = '\"')"
)
_FIRST_LINE = (
    "SELECT * FROM read_csv(?, columns = {'line': 'VARCHAR'}, header = false, "
    "auto_detect = false, delim = '\x01', quote = '', escape = '', strict_mode = false) LIMIT 1"
)
_FLAG = f"CASE lower({{0}}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE {_NUMBER} END"
_ID = (
    "{0}",
    f"coalesce(strlen({{0}}), 0) NOT BETWEEN 1 AND {MOST_BYTES}",
    f"must not be empty, nor have more than {MOST_BYTES} bytes",
)
# How a column's value is made of its text, when a row's values are wrong, and the rule.
_COLUMNS = {
    USER: _ID,
    VIDEO: _ID,
    WATCHED: (_NUMBER, f"{IMPRESSION} = 0 AND coalesce(isnan({{0}}), true)", "must be a number"),
    IMPRESSION: (_FLAG, "coalesce({0} NOT IN (0, 1), true)", "must be 0 or 1"),
    RATING: (_NUMBER, "NOT coalesce(isfinite({0}), false)", "must be a finite number"),
    LABEL: (_FLAG, "coalesce({0} NOT IN (0, 1), true)", "must be 0 or 1"),
}


def read_events(
    options: WatchLogOptions,
    required: Sequence[str] = (),
    optional: Sequence[str] = (),
    paths: Sequence[str] | None = None,
) -> Iterator[pd.DataFrame]:
    """Yields the rows of a log in their order, in blocks.

    Their columns are `USER` and `VIDEO`, text; `TIME` in microseconds since 1970, int64; and
    others, float64.

    Args:
        options: the log.
        required: columns beside `USER` and `VIDEO` that all files must have.
        optional: columns that are left out where any file lacks them.
        paths: of the files, instead of those that `options` name.

    Raises:
        ValueError, OSError: as of `WatchLog` and `WatchLog.blocks`.
    """
    with tempfile.TemporaryDirectory() as directory, engine(Path(directory) / "log") as connection:
        log = WatchLog(connection, directory, options, required, optional, paths)
        yield from log.blocks(", ".join((USER, VIDEO, *log.columns)))


@dataclass(frozen=True)
class _File:
    """A file, the table function that scans it with its arguments, and what has each column."""

    path: str
    scan: str
    arguments: list[Any]
    sources: dict[str, str]


class WatchLog:
    """The files of a log, and the queries that read them.

    Args:
        connection: of the engine.
        directory: receives copies of files that the engine cannot read as they are.
        options: which files, and how they call the columns.
        required: columns beside `USER` and `VIDEO` that all files must have.
        optional: columns that a file may lack, unless `options` give them a name of their own.
        paths: of the files, instead of those that `options` name.
        first_time: the attribute of the whole log that these files are a part of.

    Attributes:
        columns: those of `required` and `optional` that all files have.
        paths: of the files.
        first_time: a number among the first times, from which follows the unit of all, and its
            file; 0 where these have none.

    Raises:
        ValueError: no file matches, or one is not local, cannot be read or lacks a column.
    """

    def __init__(
        self,
        connection: Any,
        directory: str | Path,
        options: WatchLogOptions,
        required: Sequence[str] = (),
        optional: Sequence[str] = (),
        paths: Sequence[str] | None = None,
        first_time: tuple[float, str] | None = None,
    ) -> None:
        self._connection = connection
        self._duckdb = require("duckdb")
        # A RuntimeError where a text is no UTF-8.
        self._errors = (self._duckdb.Error, RuntimeError)
        self._directory = directory
        self._options = options
        self._required = (USER, VIDEO, *required)
        self._wanted = (*self._required, *optional)
        self.paths = match_files(options.watch_log) if paths is None else list(paths)
        self._files = [self._open(path) for path in self.paths]
        self.columns = [
            name
            for name in (*required, *optional)
            if all(name in file.sources for file in self._files)
        ]
        self.first_time = self._first_time() if first_time is None else first_time
        if first_time is None:
            warn_of_time_unit(options, *self.first_time)
        self._specification = _COLUMNS | {TIME: _time_column(options, self.first_time[0])}

    def blocks(self, values: str, into: str = "") -> Iterator[pd.DataFrame]:
        """Yields blocks of what a query of each file gives, in the order of its rows.

        Args:
            values: the query's expressions, of the columns' names; an optional column that the file
                lacks is 0.
            into: what stands before `SELECT`, such as `INSERT INTO log`.

        Raises:
            ValueError: a row cannot be read, an id is empty, or a value is not what its column
                holds; the message names the file and the line or the row, the first below the
                header being row 1.
        """
        for file in self._files:
            is_wrong = _any([wrong for wrong, _ in self._rules(file).values()])
            query = (
                f"{into} SELECT {values} FROM (SELECT * REPLACE (CASE WHEN {is_wrong} "
                f"THEN error('wrong') ELSE {USER} END AS {USER}) FROM ({self._rows(file)}))"
            )
            try:
                result = self._connection.execute(query, file.arguments)
                while len(block := result.fetch_df_chunk(_VECTORS)):
                    yield block
            except self._errors as error:
                self._raise_if_of_engine(error)
                self._refuse(file, error)

    def _rows(self, file: _File) -> str:
        """The query of a file's values; null where they cannot be read."""
        texts = [f"CAST({source} AS VARCHAR) AS {name}" for name, source in file.sources.items()]
        values = [
            f"{self._specification[name][0].format(f'text.{name}')} AS {name}"
            if name in file.sources
            else f"0 AS {name}"
            for name in self._wanted
        ]
        return (
            f"SELECT {', '.join(values)}, text FROM "
            f"(SELECT {', '.join(texts)} FROM {file.scan}) text"
        )

    def _rules(self, file: _File) -> dict[str, tuple[str, str]]:
        """By column, the condition that a row's value is wrong, and the rule."""
        columns = {name: self._specification[name] for name in file.sources}
        return {name: (wrong.format(name), rule) for name, (_, wrong, rule) in columns.items()}

    def _first_time(self) -> tuple[float, str]:
        for file in self._files:
            if self._options.time_unit != AUTO or TIME not in file.sources:
                continue
            query = (
                f"SELECT number FROM (SELECT try_cast(CAST({file.sources[TIME]} AS VARCHAR) AS "
                f"DOUBLE) AS number FROM {file.scan} LIMIT {_PROBED_ROWS}) "
                "WHERE number <> 0 AND isfinite(number) LIMIT 1"
            )
            with self._reading(file.path):
                found = self._connection.execute(query, file.arguments).fetchone()
            if found:
                return found[0], file.path
        return 0.0, ""

    def _refuse(self, file: _File, error: Exception) -> NoReturn:
        """Says what is wrong with a file, where a query has failed."""
        self._connection.execute("SET threads = 1")  # rows come in their order
        rules = self._rules(file)
        conditions = [wrong for wrong, _ in rules.values()]
        query = (
            f"SELECT row, text, {', '.join(conditions)} FROM "
            f"(SELECT *, row_number() OVER () AS row FROM ({self._rows(file)})) "
            f"WHERE {_any(conditions)} LIMIT 1"
        )
        with self._reading(file.path):
            found = self._connection.execute(query, file.arguments).fetchone()
        if found is None:
            raise _unreadable(file.path, error) from None
        row, text, *wrong = found
        name = list(rules)[wrong.index(True)]
        raise ValueError(
            f"{file.path}, row {row}: {self._name(name)} {rules[name][1]}; received "
            f"{_quoted(text[name]) if text[name] else 'nothing'}"
        ) from None

    def _open(self, path: str) -> _File:
        if scheme(path):
            raise ValueError(f"{path} must be a local file; copy it first")
        is_parquet = path.endswith(".parquet")
        with self._reading(path):
            readable = path if is_parquet else _readable(path, self._directory)
            arguments: list[Any] = [glob.escape(readable)]
            if is_parquet:
                scan = "read_parquet(?, binary_as_string = true)"
                rows = self._connection.execute(f"SELECT * FROM {scan} LIMIT 0", arguments)
                columns = {
                    name: '"' + name.replace('"', '""') + '"' for name, *_ in rows.description
                }
            else:
                scan = _CSV
                separator = _separator(path, self._options.separator)
                names = self._csv_columns(path, readable, separator)
                columns = {}
                for place, name in enumerate(names):
                    columns.setdefault(name, f"c{place}")
                types = {f"c{place}": "VARCHAR" for place in range(len(names))}
                arguments += [types, separator, self._options.header]
        sources = {}
        for name in self._wanted:
            if (given := self._name(name)) in columns:
                sources[name] = columns[given]
            elif name in self._required or given != getattr(WatchLogOptions, f"{name}_column"):
                raise ValueError(f"{path} lacks the column {given}; it has {', '.join(columns)}")
        return _File(path, scan, arguments, sources)

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Names the file that the engine or a decoder cannot read."""
        try:
            yield
        except (*self._errors, *_DAMAGED) as error:
            self._raise_if_of_engine(error)
            raise _unreadable(path, error) from None

    def _raise_if_of_engine(self, error: Exception) -> None:
        """Raises again what is not the file's fault: no memory, no room on disk, an interrupt."""
        is_of_disk = isinstance(error, self._duckdb.IOException) and (
            str(self._directory) in str(error) or "No space" in str(error)
        )
        is_of_memory = isinstance(error, self._duckdb.OutOfMemoryException)
        if is_of_disk or is_of_memory or str(error) == INTERRUPTED:
            raise error

    def _csv_columns(self, path: str, readable: str, separator: str) -> list[str]:
        """The names in the header; 1, 2 and on where there is none."""
        line = self._connection.execute(_FIRST_LINE, [glob.escape(readable)]).fetchone()
        if line is None:
            names = ", ".join(self._name(name) for name in self._required)
            raise ValueError(f"{path} is empty: it must have a header with {names}")
        fields = next(csv.reader([line[0].removeprefix("\ufeff")], delimiter=separator))
        if self._options.header:
            return fields
        return [str(number) for number in range(1, len(fields) + 1)]

    def _name(self, name: str) -> str:
        """What the files call a column."""
        return getattr(self._options, f"{name}_column")


def warn_of_time_unit(options: WatchLogOptions, number: float, path: str) -> None:
    """Says what a number among the times of a file is taken for, unless these are seconds."""
    unit = _unit(options, number)
    is_day = _DAY_IN_DIGITS.fullmatch(f"{number:.0f}")
    if options.time_unit != AUTO or (unit == "s" and not is_day):
        return
    time = np.datetime64(int(_IN_MICROSECONDS[unit] * number), "us").astype("M8[D]")
    advice = "--time_unit=s takes it for seconds" if unit != "s" else "write a day as 2026-01-31"
    message = "%s: %s such as %.0f is taken for %s since 1970, so for %s; %s"
    _LOGGER.warning(message, path, options.time_column, number, TIME_UNITS[unit], time, advice)


def _unit(options: WatchLogOptions, number: float) -> str:
    """The unit that is given, or that which a number has."""
    if options.time_unit != AUTO:
        return options.time_unit
    return next((unit for unit, (_, most) in _AUTO_RANGES.items() if abs(number) < most), "s")


def _time_column(options: WatchLogOptions, number: float) -> tuple[str, str, str]:
    """As of `_COLUMNS`, for the unit that is given, or that which a number has."""
    unit, is_right = _unit(options, number), "true"
    if options.time_unit == AUTO:
        least, most = _AUTO_RANGES[unit]
        is_right = f"{_NUMBER} = 0 OR (abs({_NUMBER}) >= {least} AND abs({_NUMBER}) < {most})"
    iso_8601 = "upper({0})"
    for form, other in _ISO_8601:
        iso_8601 = f"regexp_replace({iso_8601}, '{form}', '{other}')"
    value = (
        f"CASE WHEN {_NUMBER} IS NULL THEN epoch_us(coalesce(try_cast({{0}} AS TIMESTAMPTZ), "
        f"try_cast({iso_8601} AS TIMESTAMPTZ))) "
        f"WHEN {is_right} THEN try_cast(round({_IN_MICROSECONDS[unit]} * {_NUMBER}) AS BIGINT) END"
    )
    return (
        value,
        f"coalesce({{0}} NOT BETWEEN -{_LARGEST_TIME} AND {_LARGEST_TIME}, true)",
        f"must be a number of {TIME_UNITS[unit]} (--time_unit={options.time_unit}), or date and "
        "time as in 2026-01-31T20:15:00Z",
    )


def _any(conditions: Sequence[str]) -> str:
    return " OR ".join(f"({condition})" for condition in conditions)


def _separator(path: str, given: str) -> str:
    if given:
        return "\t" if given == "tab" else given
    return "\t" if ".tsv" in os.path.basename(path).lower() else ","


def _readable(path: str, directory: str | Path) -> str:
    """The file; or, where the engine cannot read it as it is, the path of a plain copy.

    It reads gzip and zstd, and no file in which some lines end with CR LF and others with LF.
    """
    suffix = os.path.splitext(path)[1]
    if suffix == ".zst":
        return path
    with _OPENERS.get(suffix, open)(path, "rb") as file:
        if suffix not in (".bz2", ".xz", ".zip"):
            ends = [(block.count(b"\n"), block.count(b"\r\n")) for block in _byte_blocks(file)]
            lines, crlf_lines = np.sum([(0, 0), *ends], axis=0)
            if crlf_lines in (0, lines):
                return path
            file.seek(0)
        with tempfile.NamedTemporaryFile(suffix=".csv", dir=directory, delete=False) as copy:
            copy.writelines(block.replace(b"\r\n", b"\n") for block in _byte_blocks(file))
    return copy.name


def _byte_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Blocks of a file, none of which ends between CR and LF."""
    while block := file.read(_BLOCK_BYTES):
        yield block + file.read(1) if block.endswith(b"\r") else block


def _open_zip(path: str, mode: str) -> IO[bytes]:
    """The one file in an archive."""
    archive = zipfile.ZipFile(path)
    if len(archive.namelist()) != 1:
        raise zipfile.BadZipFile(f"it must hold one file, and holds {len(archive.namelist())}")
    require_no_bomb(archive.infolist())
    return archive.open(archive.namelist()[0])


_OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zip": _open_zip}
_DAMAGED = (*DAMAGED_ARCHIVE, csv.Error)


def _quoted(text: str) -> str:
    """The text, or where it is long its beginning."""
    if len(text) <= _MOST_QUOTED:
        return repr(text)
    return f"{text[:_MOST_QUOTED]!r}… ({len(text):,} characters)"


def _unreadable(path: str, error: Exception) -> ValueError:
    """What the engine says of a line, without its advice on its own settings."""
    lines = str(error).partition("\nPossible")[0].rstrip().splitlines()
    place = re.fullmatch(r".*CSV Error on Line: (\d+)", lines[0]) if lines else None
    if place is None:
        return ValueError(f"{path} cannot be read: {first_line(error)}")
    received = "\n".join(lines[1:-1]).strip().removeprefix("Original Line: ")
    return ValueError(
        f"{path} cannot be read: line {place[1]}: {lines[-1]}; received {_quoted(received)}"
    )
