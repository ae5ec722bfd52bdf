"""Where each record of some TFRecord files begins, and which video it is of."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.packed_ids import MOST_BYTES
from yt8m_models.data.record_identity import identify
from yt8m_models.data.record_reader import BadRecord, framing_error, record_size
from yt8m_models.data.video_ids import as_bytes, too_long
from yt8m_models.program.progress import Progress
from yt8m_models.storage.filesystems import scheme

_HEADER_SIZE = 12
_HEAD_SIZE = 2048  # the id and the labels of a frame-level record lie in the first bytes of it


class RecordIndex(NamedTuple):
    """The records of some files, in their order.

    Attributes:
        ids: of the videos, bytes `(n,)`.
        file_numbers: which file, int32 `(n,)`.
        numbers: which record of its file, from 0, int32 `(n,)`.
        offsets: where in the file the record begins, with its length, int64 `(n,)`.
    """

    ids: np.ndarray
    file_numbers: np.ndarray
    numbers: np.ndarray
    offsets: np.ndarray

    def take(self, rows: np.ndarray) -> "RecordIndex":
        """Some of the records."""
        return RecordIndex(*(column[rows] for column in self))


def index_records(files: Sequence[str], ledger: Ledger, bar: Progress | None = None) -> RecordIndex:
    """Indexes records of any level, reading the first bytes of each.

    The checksum of each record's length is checked; that of its content where the content is read.

    Args:
        files: paths, local or not.
        ledger: receives the records that are left out.
        bar: counts the records.

    Raises:
        ValueError: a file cannot be read, or there are more bad records than the ledger takes.
    """
    ids: list[bytes] = []
    places: list[tuple[int, int]] = []
    counts = []
    for file in files:
        before = len(ids)
        try:
            for number, offset, video_id in _records(file, ledger):
                ids.append(video_id)
                places.append((number, offset))
        except (tf.errors.OpError, OSError) as error:
            reason = getattr(error, "message", error)
            raise ValueError(f"{file}: cannot be read: {reason}") from None
        counts.append(len(ids) - before)
        if bar is not None:
            bar.update(counts[-1])
    numbers, offsets = np.array(places, np.int64).reshape(-1, 2).T
    return RecordIndex(
        as_bytes(ids),
        np.repeat(np.arange(len(files), dtype=np.int32), counts),
        numbers.astype(np.int32),
        offsets,
    )


def _records(file: str, ledger: Ledger) -> Iterator[tuple[int, int, bytes]]:
    """Yields the number, the offset and the id of each good record of a file."""
    size = tf.io.gfile.stat(file).length
    with tf.io.gfile.GFile(file, "rb") if scheme(file) else open(file, "rb", 0) as source:

        def read(offset: int, count: int) -> bytes:
            source.seek(offset)
            content: bytes = source.read(count)
            return content

        offset = number = 0
        while offset < size or size == 0:
            head = read(offset, _HEAD_SIZE)
            if reason := framing_error(head[:_HEADER_SIZE], offset, size):
                ledger.add_bad(BadRecord(file, number, reason))
                return
            length = int.from_bytes(head[:8], "little")
            content = head[_HEADER_SIZE : _HEADER_SIZE + length]
            try:
                end = _end_of_context(content)
                if end is None:
                    content = read(offset + _HEADER_SIZE, length)
                video_id = identify(content[:end]).video_id
                if len(video_id) > MOST_BYTES:
                    raise ValueError(too_long(video_id))
                yield number, offset, video_id
            except ValueError as error:
                ledger.add_bad(BadRecord(file, number, str(error)))
            number, offset = number + 1, offset + record_size(length)


def _end_of_context(content: bytes) -> int | None:
    """Where the context ends if `content` begins with all of it: a prefix that is a record too."""
    if content[:1] != b"\x0a":  # field 1, a message
        return None
    size = shift = 0
    for place, byte in enumerate(content[1:11], 2):
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return place + size if place + size <= len(content) else None
    return None
