"""Reading submission files of videos, many lines at a time, each line checked."""

import io
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from yt8m_models.prediction.submission_lines import (
    BLOCK_BYTES,
    SEGMENTS,
    LineBlock,
    header_of,
    read_lines,
    show,
)

_NUMBER_CHARACTERS = b"0123456789.eE+- "
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_LABEL = 2**31 - 1
_UNUSUAL = (b'"', b"\t", b"  ", b", ", b" ,", b" \n", b"\n ", b" \r")
_QUOTED_FIELD = re.compile(rb'"((?:[^"]|"")*)"[ \t]*(,?)')

Row = tuple[bytes, bytes, bytes]


class Predictions(NamedTuple):
    """Consecutive lines of a submission file; pairs of all lines follow each other.

    Attributes:
        lines: number of each line in the file, int64 `(lines,)`; the header is line 1.
        num_bytes: bytes that the lines take in the file, before compression.
        video_ids: the id of each line.
        counts: pairs of label and score in each line, int64 `(lines,)`; a line may have none.
        labels: int32 `(pairs,)`.
        scores: finite, float64 `(pairs,)`.
    """

    lines: np.ndarray
    num_bytes: int
    video_ids: list[bytes]
    counts: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def read_submission(path: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Predictions]:
    """Yields the lines of a file `VideoId,LabelConfidencePairs`, about `block_bytes` at a time.

    Fields may be in quotes, and have spaces around them; blank lines are left out. The header may
    be spelt `VideoID`; the file may be compressed by gzip, begin with a byte order mark, and have
    lines that end in CRLF. Whether a video or a label occurs twice is not checked here.

    Raises:
        ValueError: the file is not a submission of videos, or a line is not
            `id,label score label score …` with labels from 0 and finite scores; names file and
            line.
        OSError: the file cannot be read.
    """
    if header_of(path) == SEGMENTS:
        raise ValueError(
            f"{path} is a submission of segments (Class,Segments), which lists no scores; "
            "needed is one of videos (VideoId,LabelConfidencePairs)"
        )
    for block in read_lines(path, block_bytes):
        yield _parse(path, block)


def line_starts(counts: np.ndarray) -> np.ndarray:
    """Where the pairs of each line start, `(lines,)`."""
    return np.asarray(np.cumsum(counts) - counts)


def _parse(path: str, block: LineBlock) -> Predictions:
    """Parses all pairs of the lines in one call; where that fails, looks for the bad line."""
    rows = _rows(block.lines)
    numbers_of_lines = block.first_line + np.arange(len(rows), dtype=np.int64)
    is_blank = [not any(row) for row in rows]
    if any(is_blank):
        rows = [row for row in rows if any(row)]
        numbers_of_lines = numbers_of_lines[~np.array(is_blank)]
    counts = np.array([pairs.count(b" ") + 1 if pairs else 0 for _, _, pairs in rows], np.int64)
    text = b" ".join([pairs for _, _, pairs in rows if pairs])
    numbers = _numbers(text)
    labels = numbers[::2]
    if (
        len(numbers) != counts.sum()
        or (counts % 2).any()
        or not all(video_id and comma and b"\r" not in video_id for video_id, comma, _ in rows)
        or not np.isfinite(numbers).all()
        or (labels != np.floor(labels)).any()
        or (labels < 0).any()
        or (labels > _MOST_LABEL).any()
    ):
        raise ValueError(_explain(path, numbers_of_lines.tolist(), rows))
    return Predictions(
        numbers_of_lines,
        block.num_bytes,
        [video_id for video_id, _, _ in rows],
        counts // 2,
        labels.astype(np.int32),
        numbers[1::2],
    )


def _rows(lines: list[bytes]) -> list[Row]:
    """The id, the comma and the pairs of each line; all are empty for a blank line."""
    text = b"\n".join(lines)
    if text[:1] == b" " or text[-1:] == b" " or any(unusual in text for unusual in _UNUSUAL):
        return [_unusual_row(line) for line in lines]
    return [line.rstrip(b"\r").partition(b",") for line in lines]


def _unusual_row(line: bytes) -> Row:
    """The row of a line that may have quotes and spaces, with single spaces in its pairs."""
    line = line.strip(b" \t\r")
    if not line.startswith(b'"'):
        video_id, comma, pairs = line.partition(b",")
        video_id = video_id.rstrip(b" \t")
    elif match := _QUOTED_FIELD.match(line):
        video_id, comma, pairs = match[1].replace(b'""', b'"'), match[2], line[match.end() :]
    else:
        video_id, comma, pairs = b"", b"", line
    pairs = pairs.strip(b" \t")
    if len(pairs) > 1 and pairs[:1] == pairs[-1:] == b'"':
        pairs = pairs[1:-1]
    return video_id, comma, b" ".join(pairs.split())


def _numbers(text: bytes) -> np.ndarray:
    """The numbers with single spaces between them; NaN or fewer where there is anything else."""
    if not text or text.translate(None, _NUMBER_CHARACTERS):
        return np.empty(0)
    try:
        column = pd.read_csv(
            io.BytesIO(text),
            header=None,
            names=["number"],
            dtype=np.float64,
            lineterminator=" ",
            skip_blank_lines=False,
        )
    except ValueError:
        return np.empty(0)
    return np.asarray(column["number"])


def _explain(path: str, lines: list[int], rows: list[Row]) -> str:
    """What is wrong with the first bad line."""
    problems = ((line, row, _problem(*row)) for line, row in zip(lines, rows, strict=True))
    line, row, problem = next(found for found in problems if found[2])
    return f"{path}, line {line}: {problem}; received {show(b''.join(row))}"


def _problem(video_id: bytes, comma: bytes, pairs: bytes) -> str | None:
    if not video_id or not comma:
        return "must be id,label score label score …"
    if b"\r" in video_id:
        return "an id must not have a carriage return"
    fields = pairs.split(b" ") if pairs else []
    for place, field in enumerate(fields):
        number = float(field) if _NUMBER.fullmatch(field) else math.nan
        if place % 2 and not math.isfinite(number):
            return f"a score must be a finite number; {show(field)} is not"
        if place % 2 == 0 and not (number.is_integer() and 0 <= number <= _MOST_LABEL):
            return f"a label must be a class id from 0; {show(field)} is not"
    return f"the label {show(fields[-1])} has no score" if len(fields) % 2 else None
