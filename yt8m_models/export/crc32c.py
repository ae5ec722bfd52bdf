"""CRC-32C by NumPy, many bytes at a time."""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, its bits reversed
_ROW_WORDS = 64
_SHORT = 4096


def masked_crc32c(content: bytes) -> int:
    """The masked CRC-32C of TFRecord files: what `record_reader` has, in a hundredth of its time.

    The content is cut into rows of 256 bytes, whose checksums are computed side by side, 4 bytes a
    step. They are then joined by pairs: a checksum is linear in the bits of what it sums, so that
    of `a + b` is that of `a`, moved past the zeros that stand for `b`, added to that of `b`.
    """
    data = np.frombuffer(content, np.uint8)
    crc = _of_bytes(0xFFFFFFFF, content) if len(data) < _SHORT else _of_rows(data)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _of_bytes(crc: int, content: bytes) -> int:
    table = _byte_table()
    for byte in content:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


def _of_rows(data: np.ndarray) -> int:
    row_bytes = 4 * _ROW_WORDS
    padded = np.zeros(-(-len(data) // row_bytes) * row_bytes, np.uint8)
    padded[-len(data) :] = data  # zeros in front change nothing
    padded[-len(data) :][:4] ^= 0xFF  # as if the register had begun with ones
    words = np.ascontiguousarray(padded.view("<u4").reshape(-1, _ROW_WORDS).T)
    crcs = np.zeros(words.shape[1], np.uint32)
    low, high = _moved_by(4)
    for column in words:
        crcs ^= column
        crcs = low[crcs & 0xFFFF] ^ high[crcs >> 16]
    while len(crcs) > 1:
        crcs = np.pad(crcs, (len(crcs) % 2, 0))
        low, high = _moved_by(row_bytes)
        before = crcs[::2]
        crcs = low[before & 0xFFFF] ^ high[before >> 16] ^ crcs[1::2]
        row_bytes *= 2
    return int(crcs[0])


@functools.cache
def _byte_table() -> list[int]:
    """The register after 8 more bits, of its low byte."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


@functools.cache
def _moved_by(num_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """The register after so many zero bytes (a power of 2), of its low and of its high 16 bits."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    if num_bytes == 1:
        moved = np.array([_of_bytes(int(bit), b"\0") for bit in bits], np.uint32)
    else:
        low, high = _moved_by(num_bytes // 2)
        moved = bits.copy()
        for _ in range(2):
            moved = low[moved & 0xFFFF] ^ high[moved >> 16]
    tables = []
    for half in (moved[:16], moved[16:]):
        table = np.zeros(1, np.uint32)
        for bit in half:  # of the values with one more bit, those with it come second
            table = np.concatenate([table, table ^ bit])
        tables.append(table)
    return tables[0], tables[1]
