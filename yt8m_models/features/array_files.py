"""Reading features and their ids from NumPy and Parquet files, block by block."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yt8m_models.config import DataConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.data.video_ids import as_bytes
from yt8m_models.program.extras import require
from yt8m_models.storage.array_archive import read_arrays
from yt8m_models.storage.artifact_dir import DAMAGED_ARRAY
from yt8m_models.storage.filesystems import scheme

_ROWS = 4096
_VECTORS = 2  # of 2,048 rows, DuckDB's unit

Blocks = Iterator[tuple[np.ndarray, np.ndarray]]


def table_files(table: str) -> list[str]:
    """The files of a table as of `read_table`, in their order.

    Raises:
        ValueError: it is of another format, or there are no such Parquet files.
    """
    extension = os.path.splitext(table)[1]
    if extension == ".parquet":
        return match_files(table)
    if extension in (".npz", ".npy"):
        return [table]
    raise ValueError(f"--table must be an .npz, .npy or .parquet file; received {table}")


def read_table(
    table: str, ids_path: str, data: DataConfig, files: Sequence[str] | None = None
) -> Blocks:
    """Yields ids, bytes `(n,)`, and all features side by side, `(n, sum of sizes)`.

    Args:
        table: an `.npz` with the array `ids` and one for each feature, `(videos, size)`; an `.npy`,
            `(videos, sum of sizes)`; or a pattern of `.parquet` files.
        ids_path: the ids of an `.npy`: an `.npy` or a text file with an id a line; numbers from 0
            unless given.
        data: names and sizes of the features.
        files: those of its files to read; all of them unless given.

    Raises:
        ValueError: a file cannot be read, lacks a feature, or has one of another size; the message
            names the file, and the row where it is of one row.
    """
    files = table_files(table) if files is None else files
    if table.endswith(".parquet"):
        return _parquet(files, data)
    return _numpy(files[0], ids_path, data)


def place_of(files: Sequence[str], row: int) -> str:
    """The file of a row of a table, and the row there, from 0; several files are Parquet."""
    *before_last, path = files
    for file in before_last:
        [(count,)] = require("duckdb").read_parquet(glob.escape(file)).count("*").fetchall()
        if row < count:
            path = file
            break
        row -= count
    return f"{path}, row {row}"


def _numpy(path: str, ids_path: str, data: DataConfig) -> Blocks:
    if path.endswith(".npz"):
        _require_local(path)
        arrays = read_arrays(path, ("ids", *data.feature_names))
        array_of_ids, *features = arrays.values()
        ids = _ids(array_of_ids, path)
        for name, size, feature in zip(
            data.feature_names, data.feature_sizes, features, strict=True
        ):
            _check_shape(feature, (len(ids), size), f"{name!r} in {path}")
    else:
        features = [np.atleast_2d(_load(path))]
        if ids_path.endswith(".npy"):
            ids = _ids(_load(ids_path), ids_path)
        else:
            lines = _lines(ids_path) if ids_path else map(str, range(len(features[0])))
            ids = _encoded(lines, ids_path)
        _check_shape(features[0], (len(ids), sum(data.feature_sizes)), path)
    for start in range(0, len(ids), _ROWS):
        rows = slice(start, start + _ROWS)
        yield ids[rows], np.concatenate([feature[rows] for feature in features], axis=1)


def _parquet(files: Sequence[str], data: DataConfig) -> Blocks:
    duckdb = require("duckdb")
    for path in files:
        start = 0
        try:
            with duckdb.connect() as connection:
                pattern = glob.escape(path)
                columns = connection.read_parquet(pattern).columns
                id_name = next((name for name in ("id", "video_id") if name in columns), "id")
                names = [id_name, *data.feature_names]
                if missing := [name for name in names if name not in columns]:
                    raise ValueError(
                        f"{path} lacks the column {missing[0]!r}; it has {', '.join(columns)}"
                    )
                quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
                table = connection.execute(f"select {quoted} from read_parquet(?)", [pattern])
                while len(block := table.fetch_df_chunk(_VECTORS)):
                    yield (
                        _text_ids(block[id_name], path, start),
                        _features(block, path, start, data),
                    )
                    start += len(block)
        except (duckdb.Error, RuntimeError) as error:  # the latter where a text is no UTF-8
            raise ValueError(f"{path} cannot be read: {error}") from error


def _text_ids(column: pd.Series, path: str, start: int) -> np.ndarray:
    for row, value in enumerate(column, start):
        if not isinstance(value, str | bytes | bytearray):
            raise ValueError(f"{path}, row {row}: the id must be text; it is {value!r}")
    return _encoded(column.tolist(), path, start)


def _features(block: pd.DataFrame, path: str, start: int, data: DataConfig) -> np.ndarray:
    features = []
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        for row, values in enumerate(block[name], start):
            if not isinstance(values, np.ndarray) or values.shape != (size,):
                found = f"{len(values)} values" if isinstance(values, np.ndarray) else values
                raise ValueError(
                    f"{path}, row {row}: {name!r} must be a list of {size} numbers "
                    f"(--feature_sizes); it has {found}"
                )
        values = np.ma.stack(block[name].tolist())
        if values.dtype.kind not in "iuf":
            raise ValueError(f"{path}: {name!r} must be lists of numbers; they are {values.dtype}")
        values = values.astype(np.result_type(values, np.float32))
        features.append(np.ma.filled(values, np.nan))
    return np.concatenate(features, axis=1)


def _load(path: str) -> np.ndarray:
    """The array of an `.npy`, memory-mapped."""
    _require_local(path)
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED_ARRAY as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{path} cannot be read: it is not an array")
    return found


def _require_local(path: str) -> None:
    if scheme(path):
        raise ValueError(f"--table must be local; received {path}")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _ids(array: np.ndarray, path: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "SUO":
        raise ValueError(
            f"{path}: ids must be text, one a video; received {array.dtype} {array.shape}"
        )
    return _encoded(array if array.dtype.kind == "S" else array.tolist(), path)


def _encoded(ids: Any, path: str, first_row: int = 0) -> np.ndarray:
    try:
        return as_bytes(ids, first_row)
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from None


def _check_shape(array: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    if array.shape != shape or array.dtype.kind != "f":
        raise ValueError(
            f"{what} must be floats of the shape {shape}, of the ids and the features; it is "
            f"{array.dtype} {array.shape}"
        )
