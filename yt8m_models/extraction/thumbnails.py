"""Small JPEG pictures of a video: one of it, and one of each five seconds.

thumbnails/NAME.jpg                  the middle one of those of the segments
thumbnails/segments/NAME/START.jpg   a segment, by the second that it starts at

NAME is `file_name_of_id(id)`.
"""

from fractions import Fraction

import numpy as np
import tensorflow as tf

from yt8m_models.storage.file_names import file_name_of_id
from yt8m_models.storage.whole_file import join, whole_file

DIRECTORY = "thumbnails"
SEGMENT_SECONDS = 5
_MIDDLE = 2  # seconds into a segment
_LONGEST_SIDE = 240
_QUALITY = 80


class Thumbnails:
    """Takes the thumbnails from the frames of one video as they come.

    Args:
        rate: frames a second.

    Attributes:
        segments: JPEGs by the second that their segment starts at.
    """

    def __init__(self, rate: Fraction) -> None:
        self.rate = rate
        self.segments: dict[int, bytes] = {}
        self._num_frames = 0
        self._candidate: tuple[int, np.ndarray] | None = None

    def add(self, image: np.ndarray) -> None:
        """Takes the next frame, uint8 `(height, width, 3)`."""
        segment, into = divmod(self._num_frames / self.rate, SEGMENT_SECONDS)
        self._num_frames += 1
        start = int(segment) * SEGMENT_SECONDS
        if self._candidate is not None and self._candidate[0] != start:
            self.finish()
        if into <= _MIDDLE or self._candidate is None:
            self._candidate = start, image

    def finish(self) -> None:
        """Encodes what was taken last: no further frame of its segment comes."""
        if self._candidate is not None:
            start, image = self._candidate
            self.segments[start] = jpeg(image)
            self._candidate = None

    def write(self, output_dir: str, video_id: str) -> None:
        """Writes the files to `output_dir/thumbnails`; none where there was no frame.

        Raises:
            OSError: one cannot be written.
        """
        directory, name = join(output_dir, DIRECTORY), file_name_of_id(video_id)
        for start, content in self.segments.items():
            _write(join(directory, "segments", name, f"{start}.jpg"), content)
        if self.segments:
            middle = list(self.segments.values())[len(self.segments) // 2]
            _write(join(directory, f"{name}.jpg"), middle)


def jpeg(image: np.ndarray) -> bytes:
    """A picture, uint8 `(height, width, 3)`, as a JPEG of at most 240 pixels a side."""
    scale = min(1.0, _LONGEST_SIDE / max(image.shape[:2]))
    size = [max(round(side * scale), 1) for side in image.shape[:2]]
    small = tf.image.resize(image, size, method="area") if scale < 1 else image
    content: bytes = tf.io.encode_jpeg(
        tf.cast(tf.round(tf.cast(small, tf.float32)), tf.uint8), quality=_QUALITY
    ).numpy()
    return content


def _write(path: str, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)
