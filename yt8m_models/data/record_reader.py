"""Reading the records of one TFRecord file in Python, past the corrupt ones.

A TFRecord is `length (8 bytes), checksum of length (4), content, checksum of content (4)`, numbers
little-endian, checksums CRC-32C, masked. Where the content is corrupt and the length is not, the
next record is found; where the length is corrupt too, the rest of the file is lost. The framing is
told without TensorFlow, which is imported to read.
"""

import contextlib
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import tensorflow as tf

# Records of a file that are read at once, before those of the next file have their turn.
FRAME_GROUP = 8
VIDEO_GROUP = 128

_HEADER = struct.Struct("<QI")
_FOOTER_SIZE = 4
_COMPRESSIONS = {
    "gzip": (b"\x1f\x8b",),
    "zlib": (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"),
    "zstd": (b"\x28\xb5\x2f\xfd",),
    "bzip2": (b"BZh",),
    "xz": (b"\xfd7zXZ",),
    "zip": (b"PK\x03\x04",),
}

Parsed = TypeVar("Parsed")


class BadRecord(NamedTuple):
    """A record that cannot be used; `record` counts from 0 within its file."""

    file: str
    record: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: record {self.record} (counted from 0): {self.reason}"


def parsed_records(
    path: str, parse: Callable[[bytes], Parsed]
) -> Iterator[tuple[bytes, Parsed] | BadRecord]:
    """Yields `(content, parse(content))` for each record of a file, in their order.

    In place of a record that is corrupt, or that `parse` refuses by a `ValueError`, comes a
    `BadRecord`. Errors are those of `read_records`.
    """
    for number, content in read_records(path):
        if isinstance(content, BadRecord):
            yield content
            continue
        try:
            parsed = parse(content)
        except ValueError as error:
            yield BadRecord(path, number, str(error))
        else:
            yield content, parsed


def read_records(path: str) -> Iterator[tuple[int, bytes | BadRecord]]:
    """Yields `(number, content)` for each record of a file, numbers from 0.

    In place of a corrupt record's content comes a `BadRecord`. An empty file, and a file that is no
    TFRecord at all, has a corrupt record 0. A file that was cut between two records looks whole.

    Raises:
        ValueError: the file cannot be opened; names it.
    """
    import tensorflow as tf

    try:
        size = tf.io.gfile.stat(path).length
        if size == 0:
            yield 0, BadRecord(path, 0, "the file is empty")
        offset = number = 0
        while offset < size:
            with contextlib.suppress(tf.errors.DataLossError):
                for record in _dataset(path, offset):
                    content = record.numpy()
                    yield number, content
                    number, offset = number + 1, offset + record_size(len(content))
            if offset < size:
                with tf.io.gfile.GFile(path, "rb") as file:
                    file.seek(offset)
                    header = file.read(_HEADER.size)
                framing = framing_error(header, offset, size)
                reason = framing or "its content does not match its checksum"
                yield number, BadRecord(path, number, reason)
                number += 1
                offset = size if framing else offset + record_size(_HEADER.unpack(header)[0])
    except tf.errors.OpError as error:
        raise ValueError(f"{path}: cannot be read: {error.message}") from None


def _dataset(path: str, offset: int) -> "tf.data.Dataset":
    """The records from a byte offset on.

    Without optimisations, because TensorFlow (2.16 to 2.21) cannot serialise `byte_offsets` for its
    graph rewrites.
    """
    import tensorflow as tf

    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=[path],
        compression_type="",
        buffer_size=256 << 10,
        byte_offsets=tf.constant([offset], tf.int64),
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    records = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
    return records.with_options(options)


def framing_error(header: bytes, offset: int, size: int) -> str | None:
    """Why no record begins with `header`, the 12 bytes at `offset` of a file of `size` bytes."""
    if size == 0:
        return "the file is empty"
    is_whole = len(header) == _HEADER.size
    if is_whole and int.from_bytes(header[8:], "little") == masked_crc32c(header[:8]):
        length = _HEADER.unpack(header)[0]
        left = size - offset - _HEADER.size
        if left < length + _FOOTER_SIZE:
            return f"the file ends within the record: {left} of {length + _FOOTER_SIZE} bytes"
        return None
    if offset == 0:
        for name, beginnings in _COMPRESSIONS.items():
            if header.startswith(beginnings):
                return f"the file is compressed ({name}); records are read uncompressed"
    if not is_whole:
        return f"the file ends within the record, {len(header)} bytes after its start"
    if offset == 0:
        return f"the file is not a TFRecord file; it begins with {header!r}"
    return "its length is corrupt, so the rest of the file is lost"


def record_size(length: int) -> int:
    """Bytes in the file of a record whose content has `length` bytes."""
    return _HEADER.size + length + _FOOTER_SIZE


def masked_crc32c(content: bytes) -> int:
    """The masked CRC-32C (Castagnoli) that TFRecord files store."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
