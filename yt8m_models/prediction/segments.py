"""Videos cut in segments of five frames, and the classes that are rated for segments."""

from typing import NamedTuple

import numpy as np

from yt8m_models.storage.text_file import read_text

SEGMENT_FRAMES = 5


class Segments(NamedTuple):
    """Segments of a batch of videos, in the order of the videos, then of time.

    Attributes:
        video_matrix: frames `(segments, size, features)`, zeros after the last frame of a video.
        num_frames: valid frames of each segment `(segments,)`.
        videos: index in the batch of the video that each is cut from `(segments,)`.
        starts: its first frame (one a second) in that video `(segments,)`.
    """

    video_matrix: np.ndarray
    num_frames: np.ndarray
    videos: np.ndarray
    starts: np.ndarray


def cut_segments(
    video_matrix: np.ndarray, num_frames: np.ndarray, size: int = SEGMENT_FRAMES
) -> Segments:
    """Cuts videos in runs of `size` frames; the last run of a video may be shorter.

    Args:
        video_matrix: `(batch, frames, features)`, zeros after the last frame of a video.
        num_frames: frames of each video `(batch,)`; a video without frames gives no segment.
        size: frames of a segment.
    """
    batch, frames, features = video_matrix.shape
    per_video = -(-frames // size)
    padding = per_video * size - frames
    if padding:
        video_matrix = np.pad(video_matrix, ((0, 0), (0, padding), (0, 0)))
    starts = np.arange(per_video, dtype=np.int32) * size
    left = np.asarray(num_frames, np.int32)[:, None] - starts  # (batch, per_video)
    videos, runs = np.nonzero(left > 0)
    return Segments(
        video_matrix.reshape(batch, per_video, size, features)[videos, runs],
        np.minimum(left[videos, runs], size),
        videos,
        starts[runs],
    )


def segment_ids(video_ids: np.ndarray, segments: Segments) -> np.ndarray:
    """The ids `video:start` of segments, bytes `(segments,)`."""
    pairs = zip(video_ids[segments.videos].tolist(), segments.starts.tolist(), strict=True)
    return np.array([b"%b:%d" % pair for pair in pairs], dtype=bytes)


def read_label_ids(path: str, num_classes: int) -> np.ndarray:
    """The class ids in the first column of a CSV, ascending; its first line may be a header.

    Raises:
        ValueError: a line is not a class id, or is beyond the model's classes; or there is none.
        OSError: the file cannot be read.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise OSError(f"--segment_label_ids_file={error}") from None
    ids = set()
    for number, line in enumerate(lines, start=1):
        entry = line.split(",")[0].strip()
        if not entry or (number == 1 and not entry.isdigit()):
            continue
        if not entry.isdigit() or int(entry) >= num_classes:
            raise ValueError(
                f"--segment_label_ids_file={path}, line {number}: must be a class id from 0 to "
                f"{num_classes - 1}, as the model has {num_classes} classes; received {line!r}"
            )
        ids.add(int(entry))
    if not ids:
        raise ValueError(f"--segment_label_ids_file={path}: lists no class")
    return np.array(sorted(ids), dtype=np.int32)
