"""The pictures of a video at regular times."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yt8m_models.media.media_file import MediaFile
from yt8m_models.program.extras import require

if TYPE_CHECKING:
    from av.video import VideoFrame

# Matroska and others round times to milliseconds: an end this close to a tick is on the tick.
_ROUNDING = Fraction(1, 1000)
_USUAL_RATE = Fraction(25)


class FrameReader:
    """The frames of a video that are nearest to the ticks `k / frames_per_second`, k = 0, 1, ….

    Ticks count from the time of the first frame, and there is one for every `k / frames_per_second`
    before the end of the last. Of two frames as near, the earlier is taken; one that is the nearest
    to several ticks comes several times. A video is read once, in order, and one frame is held, so
    that memory does not depend on its length.

    Arguments:
        path: the video file.
        frames_per_second: how many ticks a second has.
        max_frames: how many frames are read at most; 0 for all.

    Attributes:
        damaged_packets: how many packets could not be decoded, of those read so far.

    Yields:
        uint8 arrays (height, width, 3), RGB, as upright as a player shows them.

    Raises:
        ValueError: the file has no video that can be decoded; names it and the reason.
    """

    def __init__(
        self, path: str, frames_per_second: Fraction | float = Fraction(1), max_frames: int = 300
    ) -> None:
        rate = Fraction(frames_per_second).limit_denominator(1_000_000)
        if rate <= 0:
            raise ValueError(f"frames_per_second must be above 0, received {frames_per_second}")
        if max_frames < 0:
            raise ValueError(f"max_frames must be at least 0, received {max_frames}")
        self.path = path
        self.frames_per_second = rate
        self.max_frames = max_frames
        self.damaged_packets = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        self.damaged_packets = 0
        convert = _Converter(self.path)
        with MediaFile(self.path) as file:
            for frame in self._nearest(timed_frames(file)):
                self.damaged_packets = file.damaged_packets
                yield convert(frame)
            self.damaged_packets = file.damaged_packets

    def _nearest(self, frames: Iterator[TimedFrame]) -> Iterator[VideoFrame]:
        """For each tick, the frame nearest to it."""
        last = next(frames)
        start, tick = last.time, 0

        def time(tick: int) -> Fraction:
            return start + tick / self.frames_per_second

        for current in frames:
            while 2 * time(tick) <= last.time + current.time:
                yield last.frame
                tick += 1
                if tick == self.max_frames:
                    return
            last = current
        end = last.time + last.duration - _ROUNDING
        while (time(tick) <= last.time or time(tick) < end) and not 0 < self.max_frames <= tick:
            yield last.frame
            tick += 1


def read_frames(
    path: str, frames_per_second: Fraction | float = Fraction(1), max_frames: int = 300
) -> Iterator[np.ndarray]:
    """Yields the frames of `FrameReader`."""
    yield from FrameReader(path, frames_per_second, max_frames)


class TimedFrame(NamedTuple):
    """A decoded frame, and when and how long it is shown, in seconds."""

    time: Fraction
    duration: Fraction
    frame: VideoFrame


def timed_frames(file: MediaFile) -> Generator[TimedFrame, None, None]:
    """Yields the frames of a file's picture in the order of their times.

    One whose time is not behind that of the frame before is left out.

    Raises:
        ValueError: there is no video stream, or none of its packets could be decoded.
    """
    stream = file.picture
    if stream is None:
        raise ValueError(f"{file.path}: has no video stream")
    usual_duration = 1 / (stream.average_rate or stream.guessed_rate or _USUAL_RATE)
    clock = file.clock(stream)
    last: Fraction | None = None
    for frame in file.decoded(stream):
        duration = frame.duration * stream.time_base or usual_duration
        stamp = frame.pts if file.has_presentation_times else frame.dts
        time = clock.time(stamp, duration)
        if last is None or time > last:
            yield TimedFrame(time, duration, frame)
            last = time
    if last is None:
        if stream.codec_context is None:
            raise ValueError(f"{file.path}: has a video stream of a codec without a decoder")
        packets = f"{file.num_packets} packets were read"
        raise ValueError(f"{file.path}: has no frame that can be decoded ({packets})")


class _Converter:
    """Makes RGB arrays of frames; a frame that comes again is not converted again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._av = require("av", extra="video")
        self._reformatter = require("av.video.reformatter", extra="video").VideoReformatter()
        self._frame: VideoFrame | None = None
        self._image: np.ndarray | None = None
        self._rotation: int | None = None
        self._matrix = np.eye(2)

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        if self._image is None or frame is not self._frame:
            try:
                rgb = self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
            except (self._av.FFmpegError, ValueError) as error:
                reason = f"no RGB can be made of its pixel format, {frame.format.name}: {error}"
                raise ValueError(f"{self._path}: {reason}") from None
            self._frame, self._image = frame, upright(rgb, self._display_matrix(frame))
        return self._image

    def _display_matrix(self, frame: VideoFrame) -> np.ndarray:
        """How the file wants the frame to be turned and mirrored, as `upright` takes it.

        Read only where the rotation changes: a frame and its side data hold each other, and so keep
        their memory until the garbage collector comes, hundreds of frames later.
        """
        if frame.rotation != self._rotation:
            self._rotation, self._matrix = frame.rotation, _display_matrix(frame)
        return self._matrix


def _display_matrix(frame: VideoFrame) -> np.ndarray:
    try:
        data: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # beside it is something that this version of PyAV does not know
        turn = np.deg2rad(frame.rotation)
        return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (
        np.eye(2)
        if data is None
        else np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2].astype(float)
    )


def upright(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Turns and mirrors an image by quarters of a turn, as a display matrix says.

    Arguments:
        image: (height, width, channels).
        matrix: (2, 2) of any scale; a point `(x, y)`, y downwards, is shown at `(x, y) · matrix`.
            Angles are rounded to quarters.
    """
    (xx, xy), (yx, yy) = matrix
    if abs(xx) + abs(yy) < abs(xy) + abs(yx):
        image = image.swapaxes(0, 1)
        xx, yy = yx, xy
    image = image[:: -1 if yy < 0 else 1, :: -1 if xx < 0 else 1]
    return np.ascontiguousarray(image)
