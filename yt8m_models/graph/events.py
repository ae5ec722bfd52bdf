"""Tables of who watched, rated or was shown which video, read in chunks."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.program.extras import require
from yt8m_models.storage.filesystems import scheme

USER, VIDEO = "user_id", "video_id"
LABEL, RATING, TIMESTAMP, IMPRESSION = "label", "rating", "timestamp", "impression"

_CHUNK_ROWS = 1 << 20
_DUCKDB_VECTOR = 2048


@dataclass(frozen=True)
class Events:
    """Consecutive rows of a table.

    Attributes:
        users: who, `(n,)` text.
        videos: which video, `(n,)` text.
        values: the other columns by name, float64 `(n,)`.
    """

    users: pd.Series
    videos: pd.Series
    values: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.users)


def read_events(
    files: Sequence[str], required: Sequence[str] = (), optional: Sequence[str] = ()
) -> Iterator[Events]:
    """Reads CSV files (with a header; compressed or not) and Parquet files (`*.parquet`).

    Each has the columns `user_id` and `video_id`, and others by name; columns that are not asked
    for are ignored. `label` and `impression` are 0 or 1 (or false or true), `timestamp` is a number
    or ISO 8601 text, all other columns are finite numbers.

    Args:
        files: local paths.
        required: further columns, that all files must have.
        optional: further columns, that a file may lack; then `values` lack it.

    Raises:
        ValueError: a file cannot be read or lacks a column, an id is empty, or a value is not what
            its column holds; the message names the file and the row, the first below the header
            being row 1.
    """
    for path in files:
        if scheme(path):
            raise ValueError(f"{path} must be a local file; copy it first")
        row = 1
        for table in _tables(path, (USER, VIDEO, *required), optional):
            for name in (USER, VIDEO):
                _refuse(
                    path,
                    row,
                    name,
                    table[name],
                    (table[name] == "").to_numpy(),
                    "must not be empty",
                )
            values = {
                str(name): _numbers(path, row, str(name), table[name])
                for name in table.columns
                if name not in (USER, VIDEO)
            }
            yield Events(table[USER], table[VIDEO], values)
            row += len(table)


def rows_of(ids: VideoIds, column: pd.Series) -> np.ndarray:
    """The row of each id of a column in `ids`, int64 `(n,)`; `UNKNOWN` for those not there."""
    codes, values = pd.factorize(column)
    return ids.rows(as_bytes(values))[codes]


def _tables(path: str, required: Sequence[str], optional: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Chunks of the columns, all text; missing values are empty."""
    wanted = {*required, *optional}
    if path.endswith(".parquet"):
        return _parquet(path, required, wanted)
    return _csv(path, required, wanted)


def _csv(path: str, required: Sequence[str], wanted: set[str]) -> Iterator[pd.DataFrame]:
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False}
    try:
        _check_columns(path, required, pd.read_csv(path, nrows=0).columns)
        with pd.read_csv(
            path, usecols=lambda name: name in wanted, chunksize=_CHUNK_ROWS, **options
        ) as tables:
            yield from tables
    except (OSError, UnicodeDecodeError, csv.Error, pd.errors.ParserError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    except pd.errors.EmptyDataError:
        raise ValueError(
            f"{path} is empty: it must have a header with {_names(required)}"
        ) from None


def _parquet(path: str, required: Sequence[str], wanted: set[str]) -> Iterator[pd.DataFrame]:
    if not os.path.isfile(path):
        raise ValueError(f"{path} cannot be read: there is no such file")
    duckdb = require("duckdb")
    with duckdb.connect() as connection:
        try:
            rows = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path])
            columns = [name for name, *_ in rows.description]
            _check_columns(path, required, columns)
            texts = ", ".join(
                f"coalesce(cast({name} AS VARCHAR), '') AS {name}"
                for name in columns
                if name in wanted
            )
            rows = connection.execute(f"SELECT {texts} FROM read_parquet(?)", [path])
            while len(table := rows.fetch_df_chunk(_CHUNK_ROWS // _DUCKDB_VECTOR)):
                yield table
        except duckdb.Error as error:
            raise ValueError(f"{path} cannot be read: {error}") from None


def _check_columns(path: str, required: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in required if name not in columns]
    if missing:
        raise ValueError(f"{path} lacks the column {missing[0]}; it has {_names(columns)}")


def _numbers(path: str, row: int, name: str, column: pd.Series) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    if name in (LABEL, IMPRESSION):
        lower = column.str.lower()
        numbers = np.where(lower == "true", 1.0, np.where(lower == "false", 0.0, numbers))
        wrong, rule = ~np.isin(numbers, (0.0, 1.0)), "must be 0 or 1"
    elif name == TIMESTAMP:
        if np.isnan(numbers).any():
            times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
            seconds = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
            numbers = np.where(np.isnan(numbers), seconds.to_numpy(np.float64), numbers)
        wrong, rule = ~np.isfinite(numbers), "must be a number or ISO 8601 text"
    else:
        wrong, rule = ~np.isfinite(numbers), "must be a finite number"
    _refuse(path, row, name, column, wrong, rule)
    return numbers


def _refuse(
    path: str, first_row: int, name: str, column: pd.Series, wrong: np.ndarray, rule: str
) -> None:
    if wrong.any():
        place = int(wrong.argmax())
        received = column.iloc[place]
        raise ValueError(f"{path}, row {first_row + place}: {name} {rule}; received {received!r}")


def _names(columns: Sequence[str]) -> str:
    return ", ".join(columns)
