"""A video file as pictures and patches of sound, side by side."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from yt8m_models.media.frames import FrameReader
from yt8m_models.media.log_mel import PATCH_SIZE, hop_size, log_mel_patches
from yt8m_models.media.sound import SAMPLE_RATE, SoundReader


class Clip:
    """The pictures of a video file at regular times, each with the log-mel patch of its sound.

    The patch of a picture is the one that begins nearest to the picture's tick. Where the sound
    ends before the picture, or there is none, silence goes on; sound behind the last picture is
    left out.

    Arguments:
        path: the video file.
        frames_per_second: pictures a second.
        audio_hop: seconds from patch to patch.
        max_frames: how many pairs there are at most; 0 for all.
        pictures: without them, the pairs are those of all patches that the sound fills, and of one
            where it is shorter; the file needs no picture.
        sound: without it, the sound is not read.

    Attributes:
        has_sound: whether there was sound that can be decoded. This and the following are those of
            the iteration under way or the last one.
        damaged_packets: how many packets of pictures and sound could not be decoded.
        num_frames: how many pairs there were.

    Yields:
        Pairs of a picture, uint8 (height, width, 3), and a patch, float32 (96, 64); None in place
        of what is not read.

    Raises:
        ValueError: an argument is wrong, or the file has nothing of what is asked for; names the
            file and the reason.
    """

    def __init__(
        self,
        path: str,
        frames_per_second: Fraction | float = Fraction(1),
        audio_hop: Fraction | float = Fraction(1),
        max_frames: int = 300,
        *,
        pictures: bool = True,
        sound: bool = True,
    ) -> None:
        if not (pictures or sound):
            raise ValueError("pictures and sound are both False: nothing would be read")
        self.path = path
        self.audio_hop = Fraction(hop_size(audio_hop), SAMPLE_RATE)
        self.max_frames = max_frames
        self.pictures = pictures
        self.sound = sound
        self.has_sound = False
        self.num_frames = 0
        self._images = FrameReader(path, frames_per_second, max_frames)
        self._sound = SoundReader(path)

    @property
    def damaged_packets(self) -> int:
        return self._images.damaged_packets + self._sound.damaged_packets

    def __iter__(self) -> Iterator[tuple[np.ndarray | None, np.ndarray | None]]:
        self.has_sound = False
        self.num_frames = self._images.damaged_packets = self._sound.damaged_packets = 0
        for pair in self._pairs():
            self.num_frames += 1
            yield pair

    def _pairs(self) -> Iterator[tuple[np.ndarray | None, np.ndarray | None]]:
        if not self.sound:
            yield from ((image, None) for image in self._images)
        elif not self.pictures:
            yield from ((None, patch) for patch in self._patches_alone())
        else:
            yield from zip(self._images, self._patches_at_ticks(), strict=False)

    def _patches_alone(self) -> Iterator[np.ndarray]:
        patches = log_mel_patches(_filling_a_patch(self._blocks()), self.audio_hop)
        yield from itertools.islice(patches, self.max_frames or None)
        if not self.has_sound:
            raise ValueError(f"{self.path}: has no sound that can be decoded")

    def _patches_at_ticks(self) -> Iterator[np.ndarray]:
        """The patch nearest to each tick, of two as near the earlier; without end."""
        blocks = itertools.chain(self._blocks(), _silence())
        patches = enumerate(log_mel_patches(blocks, self.audio_hop))
        number, patch = next(patches)
        patches_per_tick = 1 / (self._images.frames_per_second * self.audio_hop)
        for tick in itertools.count():
            while number < math.ceil(tick * patches_per_tick - Fraction(1, 2)):
                number, patch = next(patches)
            yield patch

    def _blocks(self) -> Iterator[np.ndarray]:
        for block in self._sound:
            self.has_sound = True
            yield block


def _silence() -> Iterator[np.ndarray]:
    """A second of silence after the other, without end."""
    return itertools.repeat(np.zeros(SAMPLE_RATE, np.float32))


def _filling_a_patch(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The blocks, and silence after them where they are too short for a patch."""
    missing = PATCH_SIZE
    for block in blocks:
        missing -= len(block)
        yield block
    if 0 < missing < PATCH_SIZE:
        yield np.zeros(missing, np.float32)
