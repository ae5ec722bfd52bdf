"""A scene in memory, from which clips are written."""

import io
from fractions import Fraction
from typing import Any

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.storage.whole_file import whole_path

_LONGEST_SIDE = 320
_SAMPLE_RATE = 48_000
_PIXELS, _SAMPLES = "yuv420p", "fltp"


class Scene:
    """The frames of a video, made smaller, and its sound.

    Args:
        content: of the video file. Its frames come at a constant rate, and its sound, where it has
            some, begins with them.

    Attributes:
        duration: seconds, of the frames.
    """

    def __init__(self, content: bytes) -> None:
        self._av = require("av", extra="video")
        with self._av.open(io.BytesIO(content)) as file:
            self._rate = Fraction(file.streams.video[0].average_rate)
            self._frames = [_small(frame) for frame in file.decode(video=0)]
        with self._av.open(io.BytesIO(content)) as file:
            self._samples = self._stereo(file) if file.streams.audio else None
        self.duration = len(self._frames) / self._rate

    def write(self, path: str, start: Fraction, end: Fraction) -> None:
        """Writes the part from `start` to `end`, in seconds, as an MP4 with H.264 and AAC.

        Raises:
            OSError: the file cannot be written.
        """
        frames = self._frames[round(start * self._rate) : round(end * self._rate)]
        # The hidden path has no suffix that would say the format.
        with whole_path(path) as partial, self._av.open(partial, "w", format="mp4") as file:
            picture = file.add_stream("libx264", rate=self._rate)
            picture.pix_fmt = _PIXELS
            picture.width, picture.height = frames[0].shape[1], frames[0].shape[0] * 2 // 3
            if self._samples is not None:  # a stream must be there before the first packet
                sound = file.add_stream("aac", rate=_SAMPLE_RATE, layout="stereo")
            for number, pixels in enumerate(frames):
                frame = self._av.VideoFrame.from_ndarray(pixels, format=_PIXELS)
                frame.pts, frame.time_base = number, 1 / self._rate
                file.mux(picture.encode(frame))
            file.mux(picture.encode(None))
            if self._samples is not None:
                first, last = int(start * _SAMPLE_RATE), int(end * _SAMPLE_RATE)
                samples = np.ascontiguousarray(self._samples[:, first:last])
                frame = self._av.AudioFrame.from_ndarray(samples, _SAMPLES, "stereo")
                frame.sample_rate, frame.pts = _SAMPLE_RATE, 0
                frame.time_base = Fraction(1, _SAMPLE_RATE)
                file.mux(sound.encode(frame))
                file.mux(sound.encode(None))

    def _stereo(self, file: Any) -> np.ndarray:
        """The sound, float32 `(2, samples)`."""
        resampler = self._av.AudioResampler(_SAMPLES, "stereo", _SAMPLE_RATE)
        parts = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
        return np.concatenate([part.to_ndarray() for part in parts], axis=1)


def _small(frame: Any) -> np.ndarray:
    """The planes of a frame, its longest side at most 320 pixels: uint8 `(1.5 height, width)`."""
    scale = min(1.0, _LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (2 * round(side * scale / 2) for side in (frame.width, frame.height))
    pixels: np.ndarray = frame.reformat(width, height, format=_PIXELS).to_ndarray()
    return pixels
