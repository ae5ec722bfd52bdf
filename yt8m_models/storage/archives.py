"""Archives that others made: what is read of them, and what is wrong with them."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import IO

# What the readers of archives raise of a damaged one: a RuntimeError where a member is encrypted,
# or is compressed by a method that they do not know.
DAMAGED_ARCHIVE = (
    *(OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError),
    *(tarfile.TarError, zipfile.BadZipFile),
)

_LARGE = 1 << 30
_MOST_EXPANSION = 100  # features and weights hardly shrink when they are compressed


def read_members(file: IO[bytes], is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The content of regular files of a tar archive, compressed or not, by their names.

    Links, devices and what is not wanted are left alone, and nothing is written.

    Args:
        file: the archive.
        is_wanted: whether a member is read, by its name.

    Raises:
        ValueError: it is not a whole archive, or a member that is wanted has more than a gigabyte.
    """
    found = {}
    try:
        with tarfile.open(fileobj=file) as archive:
            for member in archive:
                if not member.isreg() or not is_wanted(member.name):
                    continue
                if member.size > _LARGE:
                    raise tarfile.ReadError(
                        f"its member {member.name!r} has {member.size:,} bytes; at most "
                        f"{_LARGE:,} are read"
                    )
                content = archive.extractfile(member)
                found[member.name] = b"" if content is None else content.read()
    except DAMAGED_ARCHIVE as error:
        raise ValueError(f"cannot be read: {error}") from error
    return found


def require_no_bomb(members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuses members that grow beyond a gigabyte and a hundred times what is stored.

    Raises:
        zipfile.BadZipFile: there is one.
    """
    for member in members:
        if member.file_size > max(_LARGE, _MOST_EXPANSION * member.compress_size):
            raise zipfile.BadZipFile(
                f"its member {member.filename!r} grows from {member.compress_size:,} to "
                f"{member.file_size:,} bytes"
            )
