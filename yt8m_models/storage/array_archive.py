"""Arrays by name in one file, an `.npz`, on any file system that TensorFlow can write."""

import io
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.storage.artifact_dir import DAMAGED_ARRAY
from yt8m_models.storage.whole_file import whole_file


def write_arrays(path: str, arrays: dict[str, Any]) -> None:
    """Writes an `.npz` that appears whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    with whole_file(path) as file:
        file.write(buffer.getvalue())


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz`.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content = io.BytesIO(file.read())
        return dict(np.load(content, allow_pickle=False))
    except (tf.errors.OpError, *DAMAGED_ARRAY) as error:
        reason = str(getattr(error, "message", error)).partition("\n")[0]
        raise ValueError(f"{path} cannot be read: {reason}") from error
