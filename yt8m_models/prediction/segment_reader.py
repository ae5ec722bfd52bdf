"""Reading submission files of segments, a class at a time, each line checked."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from yt8m_models.prediction.submission_lines import SEGMENTS, header_of, read_lines, show

_LINE = re.compile(rb'\s*"?\s*(\d{1,9})\s*"?\s*,\s*"?(.*)', re.DOTALL)
_SEGMENTS = re.compile(rb"[^\s,\"]+:\d+(?: [^\s,\"]+:\d+)*")
_SEGMENT = re.compile(rb"[^\s,\"]+:\d+")


class ClassSegments(NamedTuple):
    """A line of a submission file of segments.

    Attributes:
        line: its number in the file; the header is line 1.
        label: the class id.
        segments: `id:start` of each segment, best first.
    """

    line: int
    label: int
    segments: list[bytes]


def read_segment_submission(path: str) -> Iterator[ClassSegments]:
    """Yields the lines of a file `Class,Segments`, one in memory at a time.

    What `read_submission` says of other programs' files holds here too. Whether a class or a
    segment occurs twice is not checked here.

    Raises:
        ValueError: the file is not a submission of segments, or a line is not
            `class,id:start id:start …`; names file and line.
        OSError: the file cannot be read.
    """
    if header_of(path) != SEGMENTS:
        raise ValueError(f"{path}, line 1: must be {SEGMENTS.decode()}")
    for block in read_lines(path):
        for number, line in enumerate(block.lines, block.first_line):
            if not line.strip():
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(
                    f"{path}, line {number}: must be class,id:start id:start …; "
                    f"received {show(line)}"
                )
            segments = match[2].rstrip().removesuffix(b'"').split()
            if segments and not _SEGMENTS.fullmatch(b" ".join(segments)):
                wrong = next(entry for entry in segments if not _SEGMENT.fullmatch(entry))
                raise ValueError(
                    f"{path}, line {number}: a segment must be id:start, its first frame; "
                    f"{show(wrong)} is not"
                )
            yield ClassSegments(number, int(match[1]), segments)
