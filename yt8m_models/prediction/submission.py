"""The submission file for videos: a line of the best classes with their scores for each video."""

import re
from typing import IO

import numpy as np

HEADER = b"VideoId,LabelConfidencePairs\n"
_QUOTED = re.compile(rb'[,"]|^[ \t]|[ \t]$')


class VideoSubmission:
    """Writes `id,class score class score …` for each video, best first, scores as `%g`.

    An id with a comma, a quote, or a space at an end is in quotes, as CSV has it.

    Args:
        file: where the bytes go; the header is written at once.

    Attributes:
        forbidden_in_ids: what no id may have, as a video is a line.
    """

    forbidden_in_ids = "\n\r"

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        file.write(HEADER)

    def add(self, video_ids: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> None:
        """Writes the lines of a batch.

        Args:
            video_ids: bytes `(batch,)`.
            classes: the best classes of each video, best first, `(batch, top_k)`.
            scores: their predictions `(batch, top_k)`.
        """
        self.file.write(format_lines(video_ids, classes, scores))

    def finish(self) -> None:
        """Every line is written already."""


def format_lines(video_ids: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> bytes:
    """The lines of a batch of videos; arguments as in `VideoSubmission.add`."""
    batch, top_k = classes.shape
    fields = np.empty((batch, 1 + 2 * top_k), dtype=object)
    fields[:, 0] = [quoted(video_id) for video_id in video_ids.tolist()]
    fields[:, 1::2] = classes
    fields[:, 2::2] = scores
    line = b"%b," + b" ".join([b"%d %g"] * top_k) + b"\n"
    return b"".join([line % tuple(row) for row in fields.tolist()])


def quoted(video_id: bytes) -> bytes:
    """An id as the first field of a line, in quotes where it would not be read back without."""
    if _QUOTED.search(video_id) is None:
        return video_id
    return b'"%b"' % video_id.replace(b'"', b'""')
