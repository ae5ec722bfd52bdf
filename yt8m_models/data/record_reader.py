"""Reading the records of one TFRecord file in Python, past the corrupt ones.

A TFRecord is `length (8 bytes), checksum of length (4), content, checksum of content (4)`, numbers
little-endian, checksums CRC-32C, masked. Where the content is corrupt and the length is not, the
next record is found; where the length is corrupt too, the rest of the file is lost.
"""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf

_HEADER = struct.Struct("<QI")
_FOOTER_SIZE = 4


@dataclass(frozen=True)
class CorruptRecord:
    """Stands for a record that cannot be read; `reason` says why."""

    reason: str


def read_records(path: str) -> Iterator[tuple[int, bytes | CorruptRecord]]:
    """Yields `(number, content)` for each record of a file, numbers from 0.

    In place of a corrupt record's content comes a `CorruptRecord`. An empty file, and a file that
    is no TFRecord at all, has a corrupt record 0. A file that was cut between two records looks
    whole.

    Raises:
        ValueError: the file cannot be opened; names it.
    """
    try:
        size = tf.io.gfile.stat(path).length
        if size == 0:
            yield 0, CorruptRecord("the file is empty")
        offset = number = 0
        while offset < size:
            with contextlib.suppress(tf.errors.DataLossError):
                for record in _dataset(path, offset):
                    content = record.numpy()
                    yield number, content
                    number, offset = number + 1, offset + record_size(len(content))
            if offset < size:
                reason, offset = _corruption(path, offset, size)
                yield number, CorruptRecord(reason)
                number += 1
    except tf.errors.OpError as error:
        raise ValueError(f"{path}: cannot be read: {error.message}") from None


def _dataset(path: str, offset: int) -> tf.data.Dataset:
    """The records from a byte offset on.

    Without optimisations, because TensorFlow (2.16 to 2.21) cannot serialise `byte_offsets` for its
    graph rewrites.
    """
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


def _corruption(path: str, offset: int, size: int) -> tuple[str, int]:
    """Why the record at `offset` cannot be read, and where the next one begins."""
    with tf.io.gfile.GFile(path, "rb") as file:
        file.seek(offset)
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return f"the file ends within the record, {len(header)} bytes after its start", size
    length, checksum = _HEADER.unpack(header)
    if checksum != masked_crc32c(header[:8]):
        if offset == 0:
            return f"the file is not a TFRecord file; it begins with {header!r}", size
        return "its length is corrupt, so the rest of the file is lost", size
    if offset + record_size(length) > size:
        left = size - offset - _HEADER.size
        return f"the file ends within the record: {left} of {length + _FOOTER_SIZE} bytes", size
    return "its content does not match its checksum", offset + record_size(length)


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
