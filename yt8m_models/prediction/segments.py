"""Videos cut in segments of five frames."""

from typing import NamedTuple

import numpy as np

SEGMENT_FRAMES = 5
SEGMENT_BATCH = 1024  # that a model is given at a time


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
