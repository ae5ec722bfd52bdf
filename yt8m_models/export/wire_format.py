"""Messages of protocol buffers, as their bytes."""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT_SIZE = 10


def fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Yields `(number, type, content)` for each field of a message, in their order.

    The content of a varint is its bytes, that of bytes and of messages has no length in front.

    Raises:
        ValueError: the bytes are not a message.
    """
    place, end = 0, len(message)
    while place < end:
        key, place = varint(message, place)
        number, kind = key >> 3, key & 7
        start = place
        if kind == BYTES:
            size, start = varint(message, place)
            place = start + size
        elif kind == VARINT:
            _, place = varint(message, place)
        elif kind in _FIXED_SIZES:
            place += _FIXED_SIZES[kind]
        else:
            raise ValueError(f"a field of the wire type {kind}")
        if number == 0 or place > end:
            raise ValueError("a field that ends after its message" if number else "a field 0")
        yield number, kind, message[start:place]


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number at a place of a message, and the place behind it.

    Raises:
        ValueError: there is none.
    """
    value = 0
    for count, byte in enumerate(message[place : place + _MAX_VARINT_SIZE]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError("a number without an end")


def encoded_varint(value: int) -> bytes:
    """The bytes of a number."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
