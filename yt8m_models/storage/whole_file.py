"""Files that appear whole or not at all."""

import contextlib
import os
import uuid
from collections.abc import Iterator

import tensorflow as tf

from yt8m_models.storage import filesystems


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[tf.io.gfile.GFile]:
    """Opens `path` for writing bytes; the file appears there when the `with` block ends.

    The bytes go to a temporary file in the same directory, which takes the place of an existing
    file at the end. Where the block raises (an interrupt too) the temporary file is removed and
    `path` is left as it was. Missing directories are created. Any file system that TensorFlow can
    write will do.

    Raises:
        OSError: the file or its directory cannot be written, or `path` is something that a file
            must not replace, such as a directory or a device.
    """
    filesystems.require(path)
    directory, name = os.path.split(path)
    partial = os.path.join(directory, f".{name}.{uuid.uuid4().hex[:8]}.partial")
    is_local = not filesystems.scheme(path)
    if not name or (is_local and os.path.exists(path) and not os.path.isfile(path)):
        raise OSError(f"cannot write {path!r}: it is not a regular file")
    try:
        if directory and not tf.io.gfile.isdir(f"{directory}/"):
            tf.io.gfile.makedirs(f"{directory}/")  # without the slash a bucket is refused
        with tf.io.gfile.GFile(partial, "wb") as file:
            file.write(b"")
            yield file
        tf.io.gfile.rename(partial, path, overwrite=True)
    except BaseException as error:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(partial)
        if isinstance(error, tf.errors.OpError):
            raise OSError(f"cannot write {path!r}: {error.message}") from error
        raise
