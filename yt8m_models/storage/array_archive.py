"""Arrays by name in one file, an `.npz`, on any file system that TensorFlow can write."""

import io
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import tensorflow as tf

from yt8m_models.storage import filesystems
from yt8m_models.storage.archives import require_no_bomb
from yt8m_models.storage.artifact_dir import DAMAGED_ARRAY
from yt8m_models.storage.whole_file import whole_file


def write_arrays(path: str, arrays: dict[str, Any]) -> None:
    """Writes an `.npz` that appears whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with whole_file(path) as file:
        file.write(buffer.getvalue())


def read_arrays(path: str, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of an `.npz`: those that are named, or all.

    Raises:
        ValueError: it cannot be read, or lacks an array that is named.
    """
    try:
        with _opened(path) as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise ValueError("it is not an archive of arrays")
            require_no_bomb(archive.zip.infolist())
            there = archive.files
            arrays = {name: archive[name] for name in names or there if name in there}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"its member {name!r} is not an array")
    except (tf.errors.OpError, *DAMAGED_ARRAY) as error:
        reason = str(getattr(error, "message", error)).partition("\n")[0]
        raise ValueError(f"{path} cannot be read: {reason}") from error
    for name in names:
        if name not in arrays:
            raise ValueError(f"{path} lacks the array {name!r}; it has {', '.join(there)}")
    return arrays


def _opened(path: str) -> IO[bytes]:
    """A local file; or the content of a remote one, of which small parts would be read slowly."""
    if not filesystems.scheme(path):
        return open(path, "rb")
    with tf.io.gfile.GFile(path, "rb") as file:
        return io.BytesIO(file.read())
