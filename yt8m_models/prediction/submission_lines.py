"""The lines of a submission file as other programs write it too: gzip, a byte order mark, CRLF."""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

import tensorflow as tf

from yt8m_models.prediction import segment_submission, submission
from yt8m_models.storage import filesystems

BLOCK_BYTES = 8 << 20
VIDEOS, SEGMENTS = submission.HEADER.rstrip(), segment_submission.HEADER.rstrip()
_GZIP = b"\x1f\x8b"
_COMPRESSION = 3  # what gzip makes of such text
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_HEADER_BYTES = 1 << 10
_MOST_LINE_BYTES = 256 << 20
_SHOWN = 60


class LineBlock(NamedTuple):
    """Consecutive lines of a submission file.

    Attributes:
        first_line: number of the first of them in the file; the header is line 1.
        num_bytes: bytes that they take in the file, before compression.
        lines: without their ends.
    """

    first_line: int
    num_bytes: int
    lines: list[bytes]


def header_of(path: str) -> bytes:
    """`VIDEOS` or `SEGMENTS`, whichever heads a submission file.

    Raises:
        ValueError: neither does, or the compression is broken; names the file.
        OSError: the file cannot be read.
    """
    with _opened(path) as file:
        return _read_header(path, file)[0]


def read_lines(path: str, block_bytes: int = BLOCK_BYTES) -> Iterator[LineBlock]:
    """Yields the lines below the header of a submission file, about `block_bytes` at a time.

    Errors are those of `header_of`; a line of more than 256 MB is a `ValueError` too.
    """
    with _opened(path) as file:
        _, rest = _read_header(path, file)
        number = 2
        while block := file.read(block_bytes):
            *lines, rest = (rest + block).split(b"\n")
            if lines:
                yield LineBlock(number, sum(map(len, lines)) + len(lines), lines)
                number += len(lines)
            if len(rest) > _MOST_LINE_BYTES:
                raise ValueError(f"{path}, line {number}: has more than {_MOST_LINE_BYTES} bytes")
        if rest:
            lines = rest.split(b"\n")
            yield LineBlock(number, len(rest), lines)


def num_text_bytes(path: str) -> int:
    """About how many bytes a submission file has without its compression."""
    with _opened(path) as file:
        is_compressed = isinstance(file, gzip.GzipFile)
    length: int = tf.io.gfile.stat(path).length
    return length * _COMPRESSION if is_compressed else length


def show(text: bytes) -> str:
    """What errors show of some bytes of a file."""
    shown = text.decode(errors="replace")
    return repr(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…")


@contextlib.contextmanager
def _opened(path: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """A file, decompressed where its first bytes are those of gzip."""
    filesystems.require(path)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            is_compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if is_compressed:
                with gzip.GzipFile(fileobj=file) as decompressed:
                    yield decompressed
            else:
                yield file
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is compressed by gzip, and broken: {error}") from error


def _read_header(path: str, file: IO[bytes] | gzip.GzipFile) -> tuple[bytes, bytes]:
    """Which header the file has, and what was read beyond it."""
    line, _, rest = file.read(_MOST_HEADER_BYTES).partition(b"\n")
    fields = line.removeprefix(_BYTE_ORDER_MARK).split(b",")
    found = b",".join(field.strip().strip(b'"').strip().lower() for field in fields)
    for header in (VIDEOS, SEGMENTS):
        if found == header.lower():
            return header, rest
    raise ValueError(
        f"{path}, line 1: must be {VIDEOS.decode()} (or {SEGMENTS.decode()}, for segments); "
        f"received {show(line)}"
    )
