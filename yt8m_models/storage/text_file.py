"""Text files on any file system."""

from pathlib import Path

from yt8m_models.storage import filesystems


def read_text(path: str) -> str:
    """The text of a file, in UTF-8 with a byte order mark or without.

    Raises:
        ValueError: it is not UTF-8, or its file system needs the extra `io`.
        OSError: it cannot be read.
    """
    filesystems.require(path)
    try:
        return _content(path).decode("utf-8-sig")
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _content(path: str) -> bytes:
    if not filesystems.scheme(path):
        return Path(path).read_bytes()
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content: bytes = file.read()
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    return content
