"""Reading submission files of videos, many lines at a time, each line checked."""

import io
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from yt8m_models.prediction.segment_submission import HEADER as SEGMENT_HEADER
from yt8m_models.prediction.submission import HEADER
from yt8m_models.storage import filesystems

BLOCK_BYTES = 8 << 20
_NUMBER_CHARACTERS = b"0123456789.eE+- "
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_LABEL = 2**31 - 1
_SHOWN = 60


class Predictions(NamedTuple):
    """Consecutive lines of a submission file; pairs of all lines follow each other.

    Attributes:
        first_line: number of the first line in the file; the header is line 1.
        num_bytes: bytes that the lines take in the file.
        video_ids: the id of each line.
        counts: pairs of label and score in each line, int64 `(lines,)`; a line may have none.
        labels: int32 `(pairs,)`.
        scores: finite, float64 `(pairs,)`.
    """

    first_line: int
    num_bytes: int
    video_ids: list[bytes]
    counts: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def read_submission(path: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Predictions]:
    """Yields the lines of a file `VideoId,LabelConfidencePairs`, about `block_bytes` at a time.

    Whether a video or a label occurs twice is not checked here.

    Raises:
        ValueError: the file is not a submission of videos, or a line is not
            `id,label score label score …` with labels from 0 and finite scores; names file and
            line.
        OSError: the file cannot be read.
    """
    filesystems.require(path)
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            _check_header(path, file.readline())
            first_line, rest = 2, b""
            while block := file.read(block_bytes):
                *lines, rest = (rest + block).split(b"\n")
                if lines:
                    yield _parse(path, first_line, lines)
                    first_line += len(lines)
            if rest:
                yield _parse(path, first_line, [rest])
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


def line_starts(counts: np.ndarray) -> np.ndarray:
    """Where the pairs of each line start, `(lines,)`."""
    return np.asarray(np.cumsum(counts) - counts)


def _check_header(path: str, header: bytes) -> None:
    header = header.rstrip(b"\r\n")
    if header == SEGMENT_HEADER.rstrip():
        raise ValueError(
            f"{path} is a submission of segments (Class,Segments), which lists no scores; "
            "needed is one of videos (VideoId,LabelConfidencePairs)"
        )
    if header != HEADER.rstrip():
        raise ValueError(
            f"{path}, line 1: must be VideoId,LabelConfidencePairs; received {_show(header)}"
        )


def _parse(path: str, first_line: int, lines: list[bytes]) -> Predictions:
    """Parses all pairs of the lines in one call; where that fails, looks for the bad line."""
    num_bytes = sum(map(len, lines)) + len(lines)
    rows = [line.rstrip(b"\r").partition(b",") for line in lines]
    counts = np.array([pairs.count(b" ") + 1 if pairs else 0 for _, _, pairs in rows], np.int64)
    text = b" ".join([pairs for _, _, pairs in rows if pairs])
    numbers = _numbers(text)
    labels = numbers[::2]
    if (
        len(numbers) != counts.sum()
        or (counts % 2).any()
        or not all(video_id and comma for video_id, comma, _ in rows)
        or not np.isfinite(numbers).all()
        or (labels != np.floor(labels)).any()
        or (labels < 0).any()
        or (labels > _MOST_LABEL).any()
    ):
        raise ValueError(_explain(path, first_line, rows))
    return Predictions(
        first_line,
        num_bytes,
        [video_id for video_id, _, _ in rows],
        counts // 2,
        labels.astype(np.int32),
        numbers[1::2],
    )


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


def _explain(path: str, first_line: int, rows: list[tuple[bytes, bytes, bytes]]) -> str:
    """What is wrong with the first bad line."""
    problems = ((number, row, _problem(*row)) for number, row in enumerate(rows, first_line))
    number, row, problem = next(found for found in problems if found[2])
    return f"{path}, line {number}: {problem}; received {_show(b''.join(row))}"


def _problem(video_id: bytes, comma: bytes, pairs: bytes) -> str | None:
    if not video_id or not comma:
        return "must be id,label score label score …"
    fields = pairs.split(b" ") if pairs else []
    for place, field in enumerate(fields):
        number = float(field) if _NUMBER.fullmatch(field) else math.nan
        if place % 2 and not math.isfinite(number):
            return f"a score must be a finite number; {_show(field)} is not"
        if place % 2 == 0 and not (number.is_integer() and 0 <= number <= _MOST_LABEL):
            return f"a label must be a class id from 0; {_show(field)} is not"
    return f"the label {_show(fields[-1])} has no score" if len(fields) % 2 else None


def _show(text: bytes) -> str:
    shown = text.decode(errors="replace")
    return repr(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…")
