"""Reading a frame a second of 720p H.264, beside ffmpeg's own command, and the memory it takes."""

import resource
import shutil
import subprocess
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.process import in_own_process, status_mb
from benchmarks.timing import timed
from yt8m_models.media.frames import read_frames

_SECONDS = 30
_LENGTHS = 8
_ROUNDS = 5
_MIN_RATIO = 0.9
_MAX_GROWTH = 1.1
_FFMPEG = ("ffmpeg", "-loglevel", "error", "-nostdin", "-y")
_SOURCE = f"testsrc2=size=1280x720:rate=30:duration={_SECONDS},noise=alls=8:allf=t"


def figures(workdir: Path) -> list[Figure]:
    """Time and CPU time of ffmpeg over those of `read_frames`, and memory over a video's length.

    Both read a video of 30 s, 30 frames a second, with moving shapes and noise, and make a frame a
    second RGB; ffmpeg, whose start counts, writes them to /dev/null. They alternate, and the
    shortest time of each counts. The growth is that of the peak memory of a process that reads the
    whole video where the video is repeated eight times.

    Raises:
        ValueError: ffmpeg is not installed.
    """
    if shutil.which("ffmpeg") is None:
        raise ValueError("ffmpeg, which decoding is compared with, is not installed")
    video, longer = workdir / "video.mp4", workdir / "longer.mp4"
    encoding = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
    subprocess.run([*_FFMPEG, "-f", "lavfi", "-i", _SOURCE, *encoding, video], check=True)
    repeated = ("-stream_loop", str(_LENGTHS - 1), "-i", video, "-c", "copy", longer)
    subprocess.run([*_FFMPEG, *repeated], check=True)
    rounds = [(_by_ffmpeg(video), in_own_process(_by_read_frames, video)) for _ in range(_ROUNDS)]
    (their_seconds, their_cpu), (seconds, cpu) = (
        [min(times) for times in zip(*measured, strict=True)]
        for measured in zip(*rounds, strict=True)
    )
    detail = {
        "ffmpeg_seconds": their_seconds,
        "ffmpeg_cpu_seconds": their_cpu,
        "seconds": seconds,
        "cpu_seconds": cpu,
    }
    memory = {
        "peak_mb": in_own_process(_peak_mb, video),
        f"peak_mb_of_{_LENGTHS}_times_the_length": in_own_process(_peak_mb, longer),
    }
    few, many = memory.values()
    name = "a frame a second of 720p H.264"
    return [
        Figure(f"{name}, over ffmpeg: time", their_seconds / seconds, _MIN_RATIO, detail=detail),
        Figure(f"{name}, over ffmpeg: CPU time", their_cpu / cpu, _MIN_RATIO, detail=detail),
        Figure(f"{name}, videos of {_SECONDS} s", 1 / seconds, unit="videos/s"),
        Figure(
            f"peak memory of that, {_LENGTHS} times the length over one",
            many / few,
            _MAX_GROWTH,
            at_most=True,
            detail=memory,
        ),
    ]


def _by_ffmpeg(video: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of the command."""
    command = (*_FFMPEG, "-i", video, "-vf", "fps=1", "-pix_fmt", "rgb24", "-f", "rawvideo")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, seconds = timed(lambda: subprocess.run([*command, "/dev/null"], check=True))
    return seconds, _cpu_seconds(resource.RUSAGE_CHILDREN, before)


def _by_read_frames(video: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of reading the video, once what it needs is imported."""
    next(read_frames(str(video)))
    before = resource.getrusage(resource.RUSAGE_SELF)
    _, seconds = timed(lambda: _read(video))
    return seconds, _cpu_seconds(resource.RUSAGE_SELF, before)


def _cpu_seconds(who: int, before: resource.struct_rusage) -> float:
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _read(video: Path) -> None:
    for _ in read_frames(str(video), max_frames=0):
        pass


def _peak_mb(video: Path) -> float:
    _read(video)
    return status_mb("VmHWM")
