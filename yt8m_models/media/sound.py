"""The sound of a video as one stream of numbers, beside its picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from yt8m_models.media.frames import timed_frames
from yt8m_models.media.media_file import MediaFile
from yt8m_models.program.extras import require

if TYPE_CHECKING:
    from av.audio import AudioFrame

SAMPLE_RATE = 16_000
# Where the times of frames and the number of their samples differ by more, sound is missing.
# Rounded times differ by a few milliseconds, and decoders begin late by one frame.
_TOLERANCE = Fraction(1, 20)


class SoundReader:
    """The sound of a file: mono, 16 kHz, from the time of the first frame of its picture on.

    Sample `n` belongs to the time `n / 16000` of the picture: what sounds before the picture begins
    is cut off, and silence fills what is missing where the sound begins later or has gaps. Where
    there is no picture, the file begins with its sound.

    Arguments:
        path: the video or sound file.

    Attributes:
        damaged_packets: how many packets could not be decoded, of those read so far.

    Yields:
        float32 arrays (samples,) within ±1, of any length; nothing for a file without sound, or
        with one that cannot be decoded.

    Raises:
        ValueError: the file cannot be read; names it and the reason.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.damaged_packets = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        self.damaged_packets = 0
        with MediaFile(self.path) as file:
            if file.sound is None:
                return
            for block in _aligned(_blocks(file), _start_of_picture(self.path)):
                self.damaged_packets = file.damaged_packets
                yield block
            self.damaged_packets = file.damaged_packets


def read_sound(path: str) -> Iterator[np.ndarray]:
    """Yields the blocks of `SoundReader`."""
    yield from SoundReader(path)


class _Block(NamedTuple):
    """Samples of 16 kHz, and their time where they do not go on from the block before."""

    samples: np.ndarray
    time: Fraction | None


def _aligned(blocks: Iterator[_Block], start: Fraction | None) -> Iterator[np.ndarray]:
    """Cuts and fills the blocks so that the first sample is that of the time `start`."""
    position = cut = 0
    for samples, time in blocks:
        if time is not None:
            start = time if start is None else start
            missing = round((time - start) * SAMPLE_RATE) - position
            cut = max(-missing, 0)
            for offset in range(0, missing, SAMPLE_RATE):
                yield np.zeros(min(SAMPLE_RATE, missing - offset), np.float32)
            position += max(missing, 0)
        kept = samples[cut:]
        cut -= len(samples) - len(kept)
        if len(kept):
            yield kept
            position += len(kept)


def _start_of_picture(path: str) -> Fraction | None:
    """The time of the first frame, or None without one."""
    with MediaFile(path) as file:
        if file.picture is not None:
            with contextlib.suppress(ValueError), contextlib.closing(timed_frames(file)) as frames:
                return next(frames).time
    return None


def _blocks(file: MediaFile) -> Iterator[_Block]:
    """Decodes and resamples the file's sound."""
    stream = file.sound
    if stream is None:
        return
    clock = file.clock(stream)
    run: _Run | None = None
    for frame in file.decoded(stream):
        time = clock.time(frame.pts, Fraction(frame.samples, frame.sample_rate))
        if run is None or not run.goes_on_with(frame, time):
            if run is not None:
                yield from run.blocks(None)
            run = _Run(file.path, frame, time)
        yield from run.blocks(frame)
    if run is not None:
        yield from run.blocks(None)


class _Run:
    """Frames of one format and without a gap, which are resampled together.

    Goes by 16 bit integers, for which FFmpeg mixes channels to their average, not to a louder sum,
    as it does where it writes WAV files.
    """

    def __init__(self, path: str, first: AudioFrame, time: Fraction) -> None:
        self._path = path
        self._av = require("av", extra="video")
        resampler = require("av.audio.resampler", extra="video")
        self._resampler = resampler.AudioResampler("s16", "mono", SAMPLE_RATE)
        self._format = _format(first)
        self._begin: Fraction | None = time
        self.end = time

    def goes_on_with(self, frame: AudioFrame, time: Fraction) -> bool:
        return _format(frame) == self._format and abs(time - self.end) <= _TOLERANCE

    def blocks(self, frame: AudioFrame | None) -> Iterator[_Block]:
        """What can be given behind this frame; without one, the rest."""
        if frame is not None:
            self.end += Fraction(frame.samples, frame.sample_rate)
        try:
            resampled = self._resampler.resample(frame)
        except (self._av.FFmpegError, ValueError) as error:
            reason = f"its sound ({', '.join(map(str, self._format))}) cannot be resampled: {error}"
            raise ValueError(f"{self._path}: {reason}") from None
        for part in resampled:
            if part is not None:
                yield _Block(part.to_ndarray()[0].astype(np.float32) / 32768, self._begin)
                self._begin = None


def _format(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
