"""What the directories of feature and frame tables have in common.

features.json   kind of the table, names and sizes of the features, number of videos; written last
ids.npy         the video ids by row, bytes
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.storage.filesystems import scheme

RECORD = "features.json"
IDS = "ids.npy"
VIDEO, FRAME = "video", "frame"


def read_record(directory: str | os.PathLike, kind: str | None = None) -> dict[str, Any]:
    """What `features.json` says; `names` and `sizes` are tuples.

    Raises:
        ValueError: there is no finished table in the directory, or one of another kind.
    """
    path = Path(directory, RECORD)
    try:
        record = json.loads(path.read_text())
        record["names"] = tuple(str(name) for name in record["names"])
        record["sizes"] = tuple(int(size) for size in record["sizes"])
        record["num_videos"] = int(record["num_videos"])
        found = record["kind"]
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{directory} holds no {RECORD}: no features were written there to the end "
            "(yt8m build-features)"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: not the record of features ({error!r})") from error
    if found not in (VIDEO, FRAME):
        raise ValueError(f"{path}: kind must be {VIDEO} or {FRAME}; it is {found!r}")
    if kind is not None and found != kind:
        raise ValueError(f"{directory} holds features of kind {found!r}, not {kind!r}")
    return record


def write_record(directory: str | os.PathLike, record: dict[str, Any]) -> None:
    """Writes `features.json`, whole or not at all."""
    path = Path(directory, RECORD)
    partial = path.with_name(f".{RECORD}.partial")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(path)


def prepare(directory: str | os.PathLike) -> Path:
    """Makes the directory of a new table.

    Raises:
        ValueError: it is not local, or already holds a finished table.
    """
    if scheme(str(directory)):
        raise ValueError(
            f"{directory} must be a local directory: tables of features are memory-mapped"
        )
    path = Path(directory)
    if (path / RECORD).exists():
        raise ValueError(f"{directory} already holds features; choose another directory")
    path.mkdir(parents=True, exist_ok=True)
    return path


def load_array(path: Path, dtypes: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    """An array of a table, memory-mapped.

    Raises:
        ValueError: it cannot be read, or has another type or shape.
    """
    try:
        # np.asarray: indexing a memmap object costs more than indexing a plain view of it
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if array.shape != shape or not any(np.issubdtype(array.dtype, dtype) for dtype in dtypes):
        raise ValueError(
            f"{path} has the shape {array.shape} and type {array.dtype}; "
            f"{RECORD} beside it says {shape}"
        )
    return array


def repeated(ids: np.ndarray) -> tuple[int, int] | None:
    """Two rows with one id, the first such by the order of ids; `None` where all differ."""
    order = np.argsort(ids, kind="stable")
    places = np.flatnonzero(ids[order[1:]] == ids[order[:-1]])
    return (int(order[places[0]]), int(order[places[0] + 1])) if len(places) else None


def checked_rows(rows: np.ndarray, num_videos: int) -> np.ndarray:
    """Rows as an array of integers.

    Raises:
        ValueError: one is not a row of the table, such as `UNKNOWN`.
    """
    rows = np.asarray(rows)
    if rows.size and (rows.min() < 0 or rows.max() >= num_videos):
        wrong = rows[(rows < 0) | (rows >= num_videos)].flat[0]
        raise ValueError(f"rows must be 0 to {num_videos - 1}; received {wrong}")
    return rows.astype(np.int64, copy=False)


def selected(names: Sequence[str], available: Sequence[str]) -> list[int]:
    """The places of features, by name.

    Raises:
        ValueError: no name is given, one is given twice or not there.
    """
    missing = [name for name in names if name not in available]
    if missing or not names or len(set(names)) < len(names):
        raise ValueError(
            f"features must be some of {', '.join(available)}, each once; received "
            f"{', '.join(names) if names else 'none'}"
        )
    return [list(available).index(name) for name in names]
