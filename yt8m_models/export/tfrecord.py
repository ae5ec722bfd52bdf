"""The records of TFRecord files, without TensorFlow."""

import io
import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from yt8m_models.data.record_reader import BadRecord, framing_error
from yt8m_models.export.crc32c import masked_crc32c
from yt8m_models.storage import filesystems

_HEADER_SIZE = 12
_BUFFER_SIZE = 1 << 20

Record = tuple[str, int, bytes]


def read_records(path: str, check: bool = True) -> Iterator[tuple[int, bytes | BadRecord]]:
    """Yields `(number, content)` for each record of a local file, as `data.record_reader` does.

    In place of a corrupt record's content comes a `BadRecord`; where its length is corrupt, the
    rest of the file is lost.

    Args:
        path: of the file.
        check: whether the content must match its checksum; that of the length always must.

    Raises:
        ValueError: the file is not local, or cannot be opened; names it.
    """
    if filesystems.scheme(path):
        raise ValueError(f"{path}: only local files are read here; yt8m inference reads others")
    try:
        with open(path, "rb", buffering=_BUFFER_SIZE) as file:
            yield from framed_records(file, os.fstat(file.fileno()).st_size, path, check)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def framed_records(
    file: BinaryIO, size: int, name: str, check: bool = True
) -> Iterator[tuple[int, bytes | BadRecord]]:
    """The same of an open file of `size` bytes; `name` is what bad records say of it."""
    offset = number = 0
    while offset < size or number == 0:
        header = file.read(_HEADER_SIZE)
        if reason := framing_error(header, offset, size):
            yield number, BadRecord(name, number, reason)
            return
        length = int.from_bytes(header[:8], "little")
        content = file.read(length)
        footer = file.read(4)
        if check and masked_crc32c(content) != int.from_bytes(footer, "little"):
            yield number, BadRecord(name, number, "its content does not match its checksum")
        else:
            yield number, content
        number, offset = number + 1, offset + len(header) + length + len(footer)


def records_of_bytes(content: bytes, name: str) -> Iterator[tuple[int, bytes | BadRecord]]:
    """The same of the content of a file."""
    return framed_records(io.BytesIO(content), len(content), name)


def interleaved(
    files: Sequence[str], num_readers: int, group: int, check: bool = True
) -> Iterator[tuple[str, int, bytes | BadRecord]]:
    """`(file, number, content)` of all records, in the order in which `Pipeline` reads them.

    That is `group` records of each of `num_readers` files in turn; where a file has ended, the next
    one has its turn in the round that follows.
    """
    waiting = iter(files)
    places: list[tuple[str, Iterator[tuple[int, bytes | BadRecord]]] | None] = [None] * num_readers
    is_left = True
    while is_left:
        is_left = False
        for place in range(num_readers):
            if places[place] is None and (file := next(waiting, None)) is not None:
                places[place] = file, read_records(file, check)
            if (reader := places[place]) is None:
                continue
            is_left = True
            file, records = reader
            count = 0
            while count < group:
                found = next(records, None)
                if found is None:
                    break
                yield file, *found
                count += not isinstance(found[1], BadRecord)
            if count == 0:
                places[place] = None
