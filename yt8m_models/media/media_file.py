"""A media file that is open for reading: its picture, its sound, and what their packets hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from yt8m_models.media.clock import Clock
from yt8m_models.program.extras import require

if TYPE_CHECKING:
    from av.audio import AudioStream
    from av.video import VideoStream

# The stamps of program and transport streams may leap. In other formats a leap is a pause, and one
# of more than an hour damage, for which nobody wants the same frame a million times.
_PAUSE_OF_STREAMS, _PAUSE_OF_FILES = Fraction(10), Fraction(3600)
_BOX_HEADER = 8
_LARGE_BOX_HEADER = 16


class MediaFile:
    """A video or sound file, opened with PyAV; a context manager.

    Attributes:
        path: the file's.
        picture: its best video stream, or None. The cover of a song is none.
        sound: its best audio stream, or None. Of both, the best is one that can be decoded, if any:
            phones record sound twice, once in a format of their own.
        num_packets: how many packets were read so far.
        has_presentation_times: whether the file says when frames are shown. AVI says only when they
            are decoded, and what FFmpeg makes of that is wrong where frames are reordered.
        damaged_packets: how many packets of the streams read could not be decoded so far.

    Raises:
        ValueError: it cannot be opened as a media file; names it and the reason.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.num_packets = self.damaged_packets = 0
        self._av = require("av", extra="video")
        self._container = self._opened()
        self.has_presentation_times = self._container.format.name != "avi"
        self.picture: VideoStream | None = self._best("video")
        self.sound: AudioStream | None = self._best("audio")

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._container.close()

    def clock(self, stream: VideoStream | AudioStream) -> Clock:
        """A new clock for the time stamps of one of the streams."""
        time_base: Any = stream.time_base
        is_stream = self._container.format.name in ("mpegts", "mpeg")
        return Clock(time_base, _PAUSE_OF_STREAMS if is_stream else _PAUSE_OF_FILES)

    def decoded(self, stream: VideoStream | AudioStream) -> Iterator[Any]:
        """Yields the frames of one of the streams, in the order of presentation.

        A packet that cannot be decoded is counted and left out. Where there is no decoder, there is
        no frame.
        """
        if stream.codec_context is None:
            return
        stream.codec_context.thread_type = "AUTO"
        for packet in self._packets(stream):
            self.num_packets += packet is not None
            try:
                frames = stream.codec_context.decode(packet)
            except self._av.FFmpegError:
                self.damaged_packets += 1
            else:
                yield from frames

    def _packets(self, stream: VideoStream | AudioStream) -> Iterator[Any]:
        """The packets of a stream, and None at the end, which makes the decoder give what it holds.

        Where reading fails, it goes on behind the failure, unless nothing could be read since the
        last one. A packet without data would end decoding too early.
        """
        has_read = True
        while has_read:
            has_read = False
            try:
                for packet in self._container.demux(stream):
                    has_read = True
                    if packet.size > 0:
                        yield packet
                break
            except self._av.FFmpegError:
                self.damaged_packets += 1
        yield None

    def _opened(self) -> Any:
        path = Path(self.path)
        if path.is_dir():
            raise ValueError(f"{self.path}: is a directory, not a media file")
        # Until version 19, PyAV refuses titles that are not UTF-8 unless it is told not to.
        is_strict = int(self._av.__version__.split(".")[0]) < 19
        options = {"metadata_errors": "replace"} if is_strict else {}
        try:
            # `file:` since a colon in a name would end a protocol's.
            container = self._av.open(f"file:{self.path}", **options)
        except self._av.FFmpegError as error:
            raise ValueError(f"{self.path}: {_reason(path, error)}") from None
        if container.format.name == "tty":
            container.close()
            raise ValueError(f"{self.path}: is a text, not a media file")
        return container

    def _best(self, kind: str) -> Any:
        cover = self._av.stream.Disposition.attached_pic
        streams = [
            stream
            for stream in self._container.streams
            if stream.type == kind and not stream.disposition & cover
        ]
        decodable = [stream for stream in streams if stream.codec_context is not None]
        best = self._container.streams.best(kind)
        return best if best in decodable else next(iter(decodable or streams), None)


def _reason(path: Path, error: Any) -> str:
    """Why a file cannot be opened, in words that say more than "invalid data"."""
    if not path.exists():
        return "there is no such file"
    if path.stat().st_size == 0:
        return "the file is empty"
    if _lacks_index(path):
        return "has no index (moov atom), as of a recording or a copy that was cut off"
    return f"cannot be read as a media file: {error.strerror}"


def _lacks_index(path: Path) -> bool:
    """Whether this is an MP4 or QuickTime file without the box that says where its frames are."""
    size = path.stat().st_size
    names, offset = [], 0
    with path.open("rb") as file:
        while offset + _BOX_HEADER <= size:
            file.seek(offset)
            header = file.read(_LARGE_BOX_HEADER)
            names.append(header[4:8])
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:], "big")
            if length < _BOX_HEADER:
                break
            offset += length
    return names[:1] == [b"ftyp"] and b"moov" not in names
