"""Text files on any file system."""

from yt8m_models.storage import filesystems


def read_text(path: str) -> str:
    """The text of a file, in UTF-8 with a byte order mark or without.

    Raises:
        ValueError: it is not UTF-8, or its file system needs the extra `io`.
        OSError: it cannot be read.
    """
    import tensorflow as tf

    filesystems.require(path)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            content: bytes = file.read()
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
