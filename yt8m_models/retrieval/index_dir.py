"""What the directory of an index holds.

index.json    kind, model, size, count, bits and files of the index; written last
ids.npy       the video ids by row, bytes
vectors.npy   exact: the L2-normalised embeddings, float32 (count, size)
codes.npy     quantised: the packed codes, uint8 (count, bytes of a video)
values.npy    quantised: what the codes stand for, float32 (size, 2^bits)
lists.faiss   approximate: the videos by clusters, a FAISS index
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.storage.filesystems import scheme

KIND = "index"
RECORD = "index.json"
IDS = "ids.npy"
VECTORS = "vectors.npy"
CODES = "codes.npy"
VALUES = "values.npy"
LISTS = "lists.faiss"


def prepare(directory: str | os.PathLike) -> Path:
    """Makes the directory of a new index.

    Raises:
        ValueError: it is not local, or already holds an index.
    """
    if scheme(str(directory)):
        raise ValueError(f"{directory} must be a local directory: an index is memory-mapped")
    path = Path(directory)
    if (path / RECORD).exists():
        raise ValueError(f"{directory} already holds an index; choose another directory")
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_record(directory: Path, record: Mapping[str, Any]) -> None:
    """Writes `index.json`, whole or not at all, with the sizes of the files beside it."""
    sizes = {
        name: (directory / name).stat().st_size
        for name in (IDS, VECTORS, CODES, VALUES, LISTS)
        if (directory / name).exists()
    }
    partial = directory / f".{RECORD}.partial"
    partial.write_text(json.dumps({"kind": KIND, **record, "files": sizes}, indent=1) + "\n")
    partial.replace(directory / RECORD)


def read_record(directory: str | os.PathLike) -> dict[str, Any]:
    """What `index.json` says.

    Raises:
        ValueError: there is no finished index in the directory, or a file of it is missing or has
            another size than when it was written.
    """
    path = Path(directory, RECORD)
    try:
        record = json.loads(path.read_text())
        if record["kind"] != KIND:
            raise ValueError(f"kind is {record['kind']!r}")
        record["model"] = str(record["model"])
        record["size"], record["count"] = int(record["size"]), int(record["count"])
        record["bits"] = None if record["bits"] is None else int(record["bits"])
        record["files"] = {str(name): int(size) for name, size in record["files"].items()}
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{directory} holds no {RECORD}: no index was built there to the end (yt8m build-index)"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: not the record of an index ({error!r})") from error
    for name, size in record["files"].items():
        file = path.with_name(name)
        if not file.exists() or file.stat().st_size != size:
            found = f"has {file.stat().st_size} bytes" if file.exists() else "is missing"
            raise ValueError(f"{file} {found}; it had {size} bytes when the index was built")
    return record


def load_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.ndarray:
    """An array of an index, memory-mapped.

    Raises:
        ValueError: it cannot be read, or has another type or shape.
    """
    try:
        # np.asarray: indexing a memmap object costs more than indexing a plain view of it
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if array.shape != shape or not np.issubdtype(array.dtype, dtype):
        raise ValueError(
            f"{path} must be {dtype.__name__} of the shape {shape}; it is {array.dtype} of "
            f"{array.shape}"
        )
    return array
