"""Data patterns: which files a flag such as `--train_data_pattern` means.

Local files need no TensorFlow, which is imported where a file system needs it.
"""

import glob
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from yt8m_models.storage import filesystems
from yt8m_models.storage.text_file import read_text

_PARALLEL_LOOKUPS = 16
_SPECIAL = re.compile(r"[*?[]")


def match_files(pattern: str, flag: str = "") -> list[str]:
    """The files that a data pattern names.

    A pattern is a list of parts with commas between them. A part is

    - a path or a glob (`*`, `?`, `[…]`; what exists under its name as written is that file, or that
      directory of the glob), local, on `gs://`, or on a file system of the `io` extra
      (`s3://`, `hdfs://`, `az://`; `http://` and `https://` address single files, without globs);
    - `@` and the path of a text file with one path or glob a line, relative to the current
      directory; blank lines and lines that start with `#` are left out, commas have no meaning.

    Args:
        pattern: as above.
        flag: the flag that it comes from, which errors then name.

    Returns:
        The files in the order of the parts, sorted within each glob, each file once.

    Raises:
        ValueError: a part matches no file, names a directory, or cannot be listed; or a file of
            paths cannot be read. The message names the part.
    """
    try:
        return _match_files(pattern)
    except ValueError as error:
        raise ValueError(f"--{flag}: {error}" if flag else str(error)) from None


def _match_files(pattern: str) -> list[str]:
    named_paths: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in pattern.split(","))):
        named_paths += _lines(part[1:]) if part.startswith("@") else [(repr(part), part)]
    for _, path in named_paths:
        filesystems.require(path)
    with ThreadPoolExecutor(_PARALLEL_LOOKUPS) as executor:
        matches = list(executor.map(_match, *zip(*named_paths, strict=True))) if named_paths else []
    if not matches:
        raise ValueError(f"the data pattern {pattern!r} names no file")
    return list(dict.fromkeys(file.removeprefix("./") for files in matches for file in files))


def _lines(path: str) -> list[tuple[str, str]]:
    """The paths that a text file lists, each with what errors call it."""
    try:
        lines = [line.strip() for line in read_text(path).splitlines()]
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the list of files {path!r}: {error}") from None
    return [
        (f"{line!r} (line {number} of {path})", line)
        for number, line in enumerate(lines, start=1)
        if line and not line.startswith("#")
    ]


def _match(name: str, path: str) -> list[str]:
    """The sorted files that one path or glob matches; `name` is what errors call it."""
    try:
        files = _remote(path) if filesystems.scheme(path) else _local(path)
    except IsADirectoryError:
        raise ValueError(f"{name} is a directory; name its files: {path.rstrip('/')}/*") from None
    except OSError as error:
        raise ValueError(f"cannot list the files of {name}: {error}") from None
    except UnicodeError:
        raise ValueError(f"cannot list the files of {name}: a name there is not UTF-8") from None
    if not files:
        raise ValueError(f"no file matches {name}")
    return files


def _local(path: str) -> list[str]:
    if os.path.lexists(path):
        if os.path.isdir(path):
            raise IsADirectoryError(path)
        return [path]
    files = [file for file in glob.glob(_glob(path, os.path.isdir)) if not os.path.isdir(file)]
    for file in files:
        file.encode()  # refuses what stands for bytes that are not UTF-8
    return sorted(files)


def _remote(path: str) -> list[str]:
    import tensorflow as tf

    is_url = filesystems.scheme(path) in ("http", "https")
    try:
        return _url(path) if is_url else _file_or_glob(path)
    except (tf.errors.OpError, RuntimeError) as error:
        raise OSError(getattr(error, "message", str(error))) from None


def _file_or_glob(path: str) -> list[str]:
    import tensorflow as tf

    try:
        if tf.io.gfile.stat(path).is_directory:
            raise IsADirectoryError(path)
        return [path]
    except tf.errors.NotFoundError:
        return sorted(tf.io.gfile.glob(_glob(path, tf.io.gfile.isdir)))


def _glob(path: str, is_directory: Callable[[str], bool]) -> str:
    """A glob in which the longest directory that exists as it is written stands for itself."""
    directory = os.path.dirname(path)
    while _SPECIAL.search(directory):
        if is_directory(directory):
            return _SPECIAL.sub(r"[\g<0>]", directory) + path[len(directory) :]
        directory = os.path.dirname(directory)
    return path


def _url(url: str) -> list[str]:
    """The URL if it can be read; asks for its first bytes, as a `stat` would load all of them."""
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(url, "rb") as file:
            file.read(1)
    except tf.errors.NotFoundError:
        return []
    return [url]
