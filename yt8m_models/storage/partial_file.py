"""Generated files that appear whole or not at all."""

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def partial_file(path: str) -> Iterator[str]:
    """Gives a hidden path beside `path` to write to; renames it to `path` when the block ends.

    The hidden name begins with a dot and so matches no data pattern. Where the block raises (an
    interrupt too) the file is removed, and `path` is left as it was.
    """
    directory, name = os.path.split(path)
    partial = os.path.join(directory, f".{name}.partial")
    try:
        yield partial
        tf.io.gfile.rename(partial, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(partial):
            tf.io.gfile.remove(partial)
        raise
