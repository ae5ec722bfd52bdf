"""Arrays that may be larger than memory, for the time of a run."""

import tempfile

import numpy as np


class SpilledArray:
    """An array that grows in a temporary file, and is read memory-mapped.

    The file has no name, so that it is gone with the last array on it, however the process ends. It
    is where Python puts temporary files: `TMPDIR` says otherwise.

        places = SpilledArray(np.int32)
        places.append(block)
        places.mapped()

    Args:
        dtype: of the array.
        width: of its rows, where it has two dimensions.
    """

    def __init__(self, dtype: type[np.generic], width: int | None = None) -> None:
        self._dtype = np.dtype(dtype)
        self._row = () if width is None else (width,)
        self._file = tempfile.TemporaryFile(prefix="yt8m-")  # noqa: SIM115
        self._length = 0

    def append(self, block: np.ndarray) -> None:
        """Adds rows `(n,)` or `(n, width)` at the end."""
        self._file.write(np.ascontiguousarray(block, self._dtype).data)
        self._length += len(block)

    def mapped(self) -> np.ndarray:
        """What was appended so far; what is assigned to it goes to the file."""
        shape = (self._length, *self._row)
        if not all(shape):  # an empty file cannot be mapped
            return np.zeros(shape, self._dtype)
        self._file.flush()
        # np.asarray: indexing a memmap object costs more than indexing a plain view of it
        return np.asarray(np.memmap(self._file, self._dtype, "r+", shape=shape))
