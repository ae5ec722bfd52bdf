"""MediaPipe's files of one matrix: the protocol buffer message `MatrixData`."""

from collections.abc import Iterator

import numpy as np

_ROWS, _COLS, _PACKED_DATA, _LAYOUT = 1, 2, 3, 4
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}


def parse_matrix(content: bytes) -> np.ndarray:
    """The matrix of a serialized `MatrixData`, float32 `(rows, cols)`.

    Its fields are `rows` (1), `cols` (2), `packed_data` (3, floats), and `layout` (4): 0, the
    default, where the values are column by column, 1 where they are row by row.

    Raises:
        ValueError: it is no such message, or has not rows times columns values.
    """
    numbers = {_ROWS: 0, _COLS: 0, _LAYOUT: 0}
    data = b""
    for field, value in _fields(content):
        if field == _PACKED_DATA and isinstance(value, bytes):
            data += value
        elif field in numbers and isinstance(value, int):
            numbers[field] = value
        else:
            raise ValueError(f"not a MatrixData message: it has a field {field} of another type")
    rows, cols = numbers[_ROWS], numbers[_COLS]
    if not data or len(data) != 4 * rows * cols or numbers[_LAYOUT] > 1:
        raise ValueError(
            f"not a MatrixData message: {rows} rows and {cols} columns in layout "
            f"{numbers[_LAYOUT]} with {len(data)} bytes of floats"
        )
    values = np.frombuffer(data, "<f4")
    return values.reshape(rows, cols) if numbers[_LAYOUT] else values.reshape(cols, rows).T


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields the number and the value of each field: an int of a varint, else its bytes.

    A float that is not packed is a field of 4 bytes.
    """
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(content, position)
            yield tag >> 3, value
            continue
        if kind == _LENGTH:
            size, position = _varint(content, position)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise ValueError(f"not a MatrixData message: it begins with {content[:16]!r}")
        end = position + size
        if end > len(content):
            raise ValueError(f"the MatrixData message ends within its field {tag >> 3}")
        yield tag >> 3, content[position:end]
        position = end


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """The number of 7 bits a byte at a position, and the position behind it."""
    value = shift = 0
    while position < len(content) and shift < 64:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise ValueError("the MatrixData message ends within a number")
