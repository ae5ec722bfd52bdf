"""Extracting features end to end, over the slower of decoding and the networks alone."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np

from benchmarks.figure import Figure
from benchmarks.process import in_own_process, status_mb
from benchmarks.timing import in_turn
from yt8m_models.backbones.image_models import ImageModel, image_model
from yt8m_models.extraction import extractor
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.decoding import decoded_ahead
from yt8m_models.extraction.extractor import Extractor
from yt8m_models.extraction.video_list import Video
from yt8m_models.media.clip import Clip

_NUM_VIDEOS = 16
_SECONDS = 10
_ROUNDS = 3
_MIN_RATIO = 0.9
_LONG_SECONDS, _MAX_MB = 80, 300
# Small batches: before the first the network waits, once in an extraction however long.
_CONFIG = ExtractionConfig(rgb_model="patched", batch_size=8)


class _Device:
    """A network on a device of its own: it takes time, and no time of the processor's."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.name, self.size, self.run_length = "device", 1024, 1
        self.settings = {"name": self.name}

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        time.sleep(self.seconds * len(images))
        return np.zeros((len(images), self.size), np.float32)


def figures(workdir: Path) -> list[Figure]:
    """The time of the slower part over that of the whole, with two networks.

    One is on a device of its own and takes as long for a frame of 720p H.264 as decoding does, by
    which a pipeline has most to hide. The other is Inception v3 on the processor, where frames of
    180p are decoded too, so that nothing can be hidden: its ratio has no bound. Sound features,
    `log_mel`, are part of the whole. All alternate, and the median of the rounds' ratios counts.
    """
    large, small = (_made(workdir, height) for height in (720, 180))
    (seconds,) = in_turn(3, lambda: _decode(large))
    device = _Device(median(seconds) / (_NUM_VIDEOS * _SECONDS))
    inception = image_model("inception_v3", "random:0")
    longer = _made(workdir, 720, _LONG_SECONDS)[:_ROUNDS]
    return [
        Figure(
            f"peak memory of extraction above the network, videos of {_LONG_SECONDS} s in 720p",
            in_own_process(_peak_mb, longer),
            _MAX_MB,
            "MB",
            at_most=True,
        ),
        _figure("720p, with a network on a device as slow as decoding", large, device, _MIN_RATIO),
        _figure("180p, with Inception v3 on the same processor", small, inception, None),
    ]


def _figure(name: str, videos: Sequence[Video], network: ImageModel, bound: float | None) -> Figure:
    images = [image for image, _ in Clip(videos[0].path, max_frames=_SECONDS)]
    num_batches = _NUM_VIDEOS * _SECONDS // len(images)
    extracting = _extractor(network, _CONFIG)
    measured = in_turn(
        _ROUNDS,
        lambda: _decode(videos),
        lambda: [network(images) for _ in range(num_batches)],
        lambda: list(extracting.extract([videos])),
    )
    ratios = [
        max(decoding, alone) / whole for decoding, alone, whole in zip(*measured, strict=True)
    ]
    names = ("decoding_seconds", "network_seconds", "seconds")
    detail = dict(zip(names, map(median, measured), strict=True))
    name = f"extraction of {name}, over the slower of both alone"
    return Figure(name, median(ratios), bound, detail=detail)


def _extractor(network: ImageModel, config: ExtractionConfig) -> Extractor:
    with patch.object(extractor, "image_model", lambda *_: network):
        return Extractor(config)


def _peak_mb(videos: Sequence[Video]) -> float:
    """With batches of the default size, whose network takes next to no time."""
    extracting = _extractor(_Device(0.001), replace(_CONFIG, batch_size=32))
    before = status_mb("VmRSS")
    for _ in extracting.extract([videos]):
        pass
    return status_mb("VmHWM") - before


def _decode(videos: Sequence[Video]) -> None:
    clips = [Clip(video.path) for video in videos]
    for ahead in decoded_ahead(clips, _CONFIG.num_threads, lambda pair: pair[0].nbytes):
        for _ in ahead:
            pass


def _made(workdir: Path, height: int, seconds: int = _SECONDS) -> list[Video]:
    """Videos of moving shapes and noise with a tone, 30 frames a second."""
    path = workdir / f"{height}-{seconds}.mp4"
    size = f"{height * 16 // 9}x{height}"
    pictures = f"testsrc2=size={size}:rate=30:duration={seconds},noise=alls=8:allf=t"
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", pictures]
    command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(path)], check=True)
    return [Video(f"{height}-{number}", str(path)) for number in range(_NUM_VIDEOS)]
