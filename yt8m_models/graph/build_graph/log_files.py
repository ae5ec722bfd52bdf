"""Reading watch logs into the database."""

import csv
import glob
from collections.abc import Sequence
from typing import Any, NoReturn

import pandas as pd

from yt8m_models.graph.build_graph.engine import first_line
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress
from yt8m_models.storage.filesystems import scheme

WATCH, SHORT_WATCH, IMPRESSION = 0, 1, 2
MICROSECONDS = 1_000_000

_LARGEST_TIME = 1 << 61  # differences do not overflow

# What is wrong with a row: a column, a condition on the row as `_LogFile.parsed` has it, the rule.
_RULES = (
    ("user_id", "coalesce(user_id, '') = ''", "must not be empty"),
    ("video_id", "coalesce(video_id, '') = ''", "must not be empty"),
    (
        "timestamp",
        f"coalesce(time NOT BETWEEN -{_LARGEST_TIME} AND {_LARGEST_TIME}, true)",
        "must be a number of seconds, or date and time as in 2026-01-31T20:15:00Z",
    ),
    ("impression", "is_impression IS NULL", "must be 0 or 1"),
    (
        "watched_seconds",
        "coalesce(NOT is_impression AND coalesce(isnan(watched), true), false)",
        "must be a number",
    ),
)
_IS_WRONG = " OR ".join(f"({condition})" for _, condition, _ in _RULES)


def read_logs(
    connection: Any, files: Sequence[str], min_watched_seconds: float, bar: Progress | None
) -> int:
    """Makes the table `log`: `user_id`, `video_id`, `time` in microseconds, and `kind`.

    `kind` is `WATCH`, `SHORT_WATCH` (no longer than `min_watched_seconds`) or `IMPRESSION`.

    Returns:
        The number of rows.

    Raises:
        ValueError: a file cannot be read or lacks a column, an id is empty, or a value is not what
            its column holds; the message names the file and the row, the first below the header
            being row 1. Or there is no row in any file.
    """
    connection.execute(
        "CREATE TABLE log (user_id VARCHAR, video_id VARCHAR, time BIGINT, kind TINYINT)"
    )
    num_rows = 0
    for path in files:
        num_rows += _LogFile(connection, path, min_watched_seconds).append_to_log()
        if bar is not None:
            bar.update(rows=num_rows)
    if not num_rows:
        raise ValueError(f"the watch log is empty: there are no rows in {', '.join(files)}")
    return num_rows


class _LogFile:
    """A file of a log, and the SQL that reads it."""

    def __init__(self, connection: Any, path: str, min_watched_seconds: float) -> None:
        if scheme(path):
            raise ValueError(f"{path} must be a local file; copy it first")
        self.connection = connection
        self.path = path
        self.min_watched_seconds = min_watched_seconds
        self.duckdb = require("duckdb")
        self.is_parquet = path.endswith(".parquet")
        self.columns = self._parquet_columns() if self.is_parquet else _csv_columns(path)
        needed = ["user_id", "video_id", "timestamp"]
        if min_watched_seconds:
            needed.append("watched_seconds")
        for name in needed:
            if name not in self.columns:
                raise ValueError(
                    f"{path} lacks the column {name}; it has {', '.join(self.columns)}"
                )

    def append_to_log(self) -> int:
        """Appends the rows to the table `log`; how many there are."""
        kind = (
            f"CASE WHEN is_impression THEN {IMPRESSION} "
            f"WHEN watched <= {self.min_watched_seconds} AND {self.min_watched_seconds} > 0 "
            f"THEN {SHORT_WATCH} ELSE {WATCH} END"
        )
        query = (
            "INSERT INTO log SELECT user_id, video_id, "
            f"CASE WHEN {_IS_WRONG} THEN error('wrong') ELSE time END, {kind} FROM ({self._rows()})"
        )
        try:
            [(num_rows,)] = self.connection.execute(query, self._parameters()).fetchall()
            return num_rows
        except (self.duckdb.OutOfMemoryException, self.duckdb.IOException):
            raise
        except self.duckdb.Error as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> NoReturn:
        """Says what is wrong with the file, where `append_to_log` has failed."""
        self.connection.execute("SET threads = 1")  # rows come in their order
        conditions = ", ".join(condition for _, condition, _ in _RULES)
        names = ", ".join(f'"{name}"' for name, _, _ in _RULES)
        query = (
            f"SELECT row, {conditions}, {names} "
            f"FROM (SELECT *, row_number() OVER () AS row FROM ({self._rows()})) "
            f"WHERE {_IS_WRONG} LIMIT 1"
        )
        try:
            wrong = self.connection.execute(query, self._parameters()).fetchone()
        except self.duckdb.Error as unreadable:
            raise self._unreadable(unreadable) from None
        if wrong is None:
            raise self._unreadable(error) from None
        row, found = wrong[0], wrong[1:]
        place = found.index(True)
        name, _, rule = _RULES[place]
        received = found[len(_RULES) + place]
        raise ValueError(
            f"{self.path}, row {row}: {name} {rule}; received "
            f"{'nothing' if received is None else repr(received)}"
        ) from None

    def _rows(self) -> str:
        """The query of all rows, with values that cannot be read as null."""
        optional = {
            "impression": True,
            "watched_seconds": self.min_watched_seconds > 0,
        }
        given = [f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in ("user_id", "video_id")]
        given.append('CAST("timestamp" AS VARCHAR) AS "timestamp"')
        for name, is_read in optional.items():
            is_there = is_read and name in self.columns
            given.append(f"CAST({name} AS VARCHAR) AS {name}" if is_there else f"'0' AS {name}")
        scan = (
            "read_parquet(?)"
            if self.is_parquet
            else "read_csv(?, columns = ?, header = true, auto_detect = false, "
            "delim = ',', quote = '\"', escape = '\"')"
        )
        seconds = 'try_cast("timestamp" AS DOUBLE)'
        return (
            "SELECT *, coalesce("
            f"try_cast(round({MICROSECONDS} * {seconds}) AS BIGINT), "
            'epoch_us(try_cast("timestamp" AS TIMESTAMPTZ))) AS time, '
            "CASE WHEN lower(impression) IN ('1', 'true', '1.0') THEN true "
            "WHEN lower(impression) IN ('0', 'false', '0.0') THEN false END AS is_impression, "
            "try_cast(watched_seconds AS DOUBLE) AS watched "
            f"FROM (SELECT {', '.join(given)} FROM {scan})"
        )

    def _parameters(self) -> list[Any]:
        """What stands for the question marks of `_rows`."""
        path = glob.escape(self.path)
        return [path] if self.is_parquet else [path, dict.fromkeys(self.columns, "VARCHAR")]

    def _parquet_columns(self) -> list[str]:
        query = "SELECT * FROM read_parquet(?) LIMIT 0"
        try:
            rows = self.connection.execute(query, [glob.escape(self.path)])
        except self.duckdb.Error as error:
            raise self._unreadable(error) from None
        return [name for name, *_ in rows.description]

    def _unreadable(self, error: Exception) -> ValueError:
        return ValueError(f"{self.path} cannot be read: {first_line(error)}")


def _csv_columns(path: str) -> list[str]:
    try:
        return list(pd.read_csv(path, nrows=0, encoding_errors="replace"))
    except pd.errors.EmptyDataError:
        raise ValueError(
            f"{path} is empty: it must have a header with user_id, video_id, timestamp"
        ) from None
    except (OSError, csv.Error, pd.errors.ParserError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
