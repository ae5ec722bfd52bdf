"""Small video files with known contents, made by ffmpeg."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

FIRST_LEVEL, LEVEL_STEP = 20, 5
RATE = Fraction(20, 3)
NUM_FRAMES = 40
"""6 seconds at `RATE`; only every third tick of a second falls on a frame."""


@dataclass
class Clips:
    """Makes clips, each once."""

    directory: Path
    made: dict[str, Path] = field(default_factory=dict)

    def numbered(self, name, encoding, num_frames=NUM_FRAMES, rate=RATE, size=(64, 96)):
        """A file of this name with frames whose grey says their number (`numbers`)."""
        levels = FIRST_LEVEL + LEVEL_STEP * np.arange(num_frames)
        grey = np.broadcast_to(levels[:, None, None, None], (num_frames, *size, 3))
        return self.encoded(name, grey.astype(np.uint8), encoding, rate)

    def encoded(self, name, images, encoding, rate=RATE):
        """A file of this name with RGB images; `encoding` has the flags of ffmpeg for it."""
        if name not in self.made:
            height, width = images.shape[1:3]
            raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -framerate {rate} -i -"
            self.made[name] = self.directory / name
            ffmpeg(raw, encoding, self.made[name], stdin=images.tobytes())
        return self.made[name]

    def sound(self, name, samples, rate, encoding=""):
        """A file of this name with the sound of float samples (n, channels)."""
        if name not in self.made:
            raw = f"-f f32le -ar {rate} -ac {samples.shape[1]} -i -"
            self.made[name] = self.directory / name
            ffmpeg(raw, encoding, self.made[name], stdin=samples.astype("<f4").tobytes())
        return self.made[name]


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    if shutil.which("ffmpeg") is None:
        pytest.skip("makes clips with ffmpeg, which is not installed")
    return Clips(tmp_path_factory.mktemp("clips"))


def ffmpeg(*arguments, stdin=b""):
    """Runs ffmpeg with flags in strings and files as paths; returns what it writes to stdout."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    for argument in arguments:
        command += [str(argument)] if isinstance(argument, Path) else argument.split()
    ran = subprocess.run(command, input=stdin, capture_output=True, check=False)
    error = ran.stderr.decode()
    if "Unknown encoder" in error or "Encoder not found" in error:
        pytest.skip(f"this ffmpeg lacks an encoder: {error.splitlines()[0]}")
    assert ran.returncode == 0, error
    return ran.stdout


def packets(path, stream="v:0"):
    """`(position, size)` of the stream's packets in the file, as ffprobe tells them."""
    command = f"ffprobe -v error -select_streams {stream} -show_packets -of json {path}"
    told = subprocess.run(command.split(), capture_output=True, check=True).stdout
    return [(int(packet["pos"]), int(packet["size"])) for packet in json.loads(told)["packets"]]


def numbers(images):
    """The numbers that frames of `Clips.numbered` carry."""
    return [round((float(image.mean()) - FIRST_LEVEL) / LEVEL_STEP) for image in images]


def nearest(times, end, frames_per_second=Fraction(1)):
    """By search: the number of the frame nearest to each tick before `end`, the earlier of two."""
    found, tick = [], Fraction(0)
    while tick < end:
        distances = [abs(time - times[0] - tick) for time in times]
        found.append(distances.index(min(distances)))
        tick += 1 / Fraction(frames_per_second)
    return found
