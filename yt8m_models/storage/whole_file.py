"""Files that appear whole or not at all, on any file system that TensorFlow can write."""

import contextlib
import os
import re
import sys
import uuid
from collections.abc import Iterator
from typing import IO, Any

from yt8m_models.storage import filesystems

_PARTIAL = re.compile(r"(?P<directory>(.*/)?)\.(?P<name>.+)\.[0-9a-f]{8}\.partial")


def join(directory: str, *names: str) -> str:
    """A path inside a directory, which may be on a remote file system."""
    return "/".join([directory.rstrip("/") or "/", *names])


@contextlib.contextmanager
def whole_path(path: str | os.PathLike[str]) -> Iterator[str]:
    """Gives a hidden path beside `path` to write to, which takes its place when the block ends.

    The hidden name begins with a dot and so matches no data pattern. Where the block raises (an
    interrupt too) the hidden file is removed, and `path` is left as it was. Missing directories are
    created.

    Raises:
        ValueError: the file system needs the extra `io`, which is not installed.
        OSError: the file or its directory cannot be written, or `path` is something that a file
            must not replace, such as a directory or a device.
    """
    path = os.fspath(path)
    filesystems.require(path)
    directory, name = os.path.split(path)
    is_local = not filesystems.scheme(path)
    if not name or (is_local and os.path.exists(path) and not os.path.isfile(path)):
        raise OSError(f"cannot write {path!r}: it is not a regular file")
    partial = os.path.join(directory, f".{name}.{uuid.uuid4().hex[:8]}.partial")
    files = _local if is_local else _remote
    with files(path, directory, partial):
        yield partial


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Opens `path` for writing bytes (`wb`) or UTF-8 text (`w`), as `whole_path` does.

    Raises:
        ValueError, OSError: as from `whole_path`.
    """
    with whole_path(path) as partial:
        if filesystems.scheme(partial):
            import tensorflow as tf

            with tf.io.gfile.GFile(partial, mode) as file:
                file.write("" if mode == "w" else b"")  # an empty file too
                yield file
        else:
            encoding, newline = ("utf-8", "") if mode == "w" else (None, None)
            with open(partial, mode, encoding=encoding, newline=newline) as file:
                yield file


@contextlib.contextmanager
def text_output(path: str) -> Iterator[IO[str]]:
    """Standard output where `path` is empty; else a text file, as of `whole_file`."""
    if path:
        with whole_file(path, "w") as file:
            yield file
    else:
        yield sys.stdout


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text file that appears whole or not at all."""
    with whole_file(path, "w") as file:
        file.write(text)


def finished_name(name: str) -> str:
    """The name of the file that a hidden one was to become; any other name as it is."""
    partial = _PARTIAL.fullmatch(name)
    return f"{partial['directory']}{partial['name']}" if partial else name


@contextlib.contextmanager
def _local(path: str, directory: str, partial: str) -> Iterator[None]:
    try:
        os.makedirs(directory or ".", exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot write {path!r}: {error.strerror}") from error
    try:
        yield
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


@contextlib.contextmanager
def _remote(path: str, directory: str, partial: str) -> Iterator[None]:
    import tensorflow as tf

    try:
        if not tf.io.gfile.isdir(f"{directory}/"):
            tf.io.gfile.makedirs(f"{directory}/")  # without the slash a bucket is refused
        yield
        tf.io.gfile.rename(partial, path, overwrite=True)
    except BaseException as error:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(partial)
        if isinstance(error, tf.errors.OpError):
            raise OSError(f"cannot write {path!r}: {error.message}") from error
        raise
