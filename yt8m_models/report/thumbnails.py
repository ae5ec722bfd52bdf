"""Pictures of videos, small enough to be inside of a page."""

import base64

import tensorflow as tf

from yt8m_models.storage.file_names import file_name_of_id
from yt8m_models.storage.whole_file import join

_QUALITY = 72


class Thumbnails:
    """The pictures `<name of the id>.jpg` of a directory, as `data:` URIs.

    Each is made no wider than `width`. All together take at most `most_bytes` of the page; those
    that come later are left out, and counted.

    Args:
        directory: see `file_name_of_id` for the names; an empty one has no pictures.
        width: in pixels.
        most_bytes: of the URIs.

    Attributes:
        num_left_out: pictures that the page has no room for.
        num_damaged: files that are not JPEGs.
    """

    def __init__(self, directory: str, width: int = 320, most_bytes: int = 3_000_000) -> None:
        self.directory = directory
        self.width = width
        self.num_left_out = 0
        self.num_damaged = 0
        self._room = most_bytes
        self._made: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.directory)

    def of(self, video_id: bytes | str) -> str:
        """The picture of a video; empty where there is none."""
        return self.of_file(f"{file_name_of_id(video_id)}.jpg") if self.directory else ""

    def of_file(self, name: str) -> str:
        """The picture in a file of the directory; empty where there is none."""
        path = join(self.directory, name)
        if not tf.io.gfile.exists(path):
            return ""
        uri = self._small(path)
        if len(uri) > self._room:
            self.num_left_out += 1
            return ""
        self._room -= len(uri)
        return uri

    @property
    def remarks(self) -> str:
        """What is missing, in sentences; empty where nothing is."""
        parts = []
        if self.num_left_out:
            parts.append(f"{self.num_left_out:,} pictures are left out, so that the page is small.")
        if self.num_damaged:
            parts.append(f"{self.num_damaged:,} files of {self.directory} are not JPEGs.")
        return " ".join(parts)

    def _small(self, path: str) -> str:
        if path not in self._made:
            self._made[path] = self._encoded(path)
        return self._made[path]

    def _encoded(self, path: str) -> str:
        try:
            picture = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        except tf.errors.OpError:
            self.num_damaged += 1
            return ""
        height, width = (int(size) for size in picture.shape[:2])
        if width > self.width:
            size = (max(1, round(height * self.width / width)), self.width)
            picture = tf.image.resize(picture, size, method="area")
            picture = tf.cast(tf.round(picture), tf.uint8)
        encoded: bytes = tf.io.encode_jpeg(picture, quality=_QUALITY).numpy()
        return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
