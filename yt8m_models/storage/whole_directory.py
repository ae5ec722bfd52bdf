"""Directories that appear whole or not at all."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from yt8m_models.storage import filesystems


@contextlib.contextmanager
def whole_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a hidden directory beside `path` to write to, which takes its place after the block.

    Where the block raises (an interrupt too) the hidden directory is removed, and `path` is left as
    it was. Missing directories are created.

    Raises:
        ValueError: `path` is not local, or is there already and is not an empty directory.
        OSError: it cannot be written.
    """
    if filesystems.scheme(os.fspath(path)):
        raise ValueError(f"{path} must be a local directory")
    target = Path(os.path.abspath(path))
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ValueError(f"{path} exists already and is not empty; choose another directory")
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
