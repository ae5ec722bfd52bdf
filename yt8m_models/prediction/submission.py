"""The submission file for videos: a line of the best classes with their scores for each video."""

from typing import IO

import numpy as np

HEADER = b"VideoId,LabelConfidencePairs\n"


class VideoSubmission:
    """Writes `id,class score class score …` for each video, best first, scores as `%g`.

    Args:
        file: where the bytes go; the header is written at once.
    """

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
    fields[:, 0] = video_ids
    fields[:, 1::2] = classes
    fields[:, 2::2] = scores
    line = b"%b," + b" ".join([b"%d %g"] * top_k) + b"\n"
    return b"".join([line % tuple(row) for row in fields.tolist()])
