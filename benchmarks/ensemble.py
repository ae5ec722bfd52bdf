"""Averaging ten submission files of 100,000 videos with 50 labels each, as the program does it."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.timing import seconds_of
from yt8m_models.prediction.submission import HEADER, format_lines

NUM_FILES = 10
NUM_VIDEOS = 100_000
LABELS_PER_VIDEO = 50
MAX_SECONDS = 120.0
MAX_GROWTH = 1.1
_NUM_CLASSES = 3862
_FEW_FILES = 2
_DIFFERENT_LINES = 5000


def figures(workdir: Path) -> list[Figure]:
    """Seconds of the whole program, and its peak memory for ten files over that for two."""
    paths = [str(workdir / f"{number}.csv") for number in range(NUM_FILES)]
    for seed, path in enumerate(paths):
        write_submission(path, NUM_VIDEOS, seed)
    _, few_mb = in_own_process(_run, paths[:_FEW_FILES], workdir)
    seconds, peak_mb = in_own_process(_run, paths, workdir)
    detail = {
        "seconds": seconds,
        "peak_mb": peak_mb,
        f"peak_mb_of_{_FEW_FILES}_files": few_mb,
        "input_mb": sum(os.path.getsize(path) for path in paths) / 1e6,
    }
    size = f"{NUM_FILES} files of {NUM_VIDEOS:,} videos x {LABELS_PER_VIDEO} labels"
    return [
        Figure(f"ensemble of {size}", seconds, MAX_SECONDS, "s", at_most=True, detail=detail),
        Figure(
            f"peak memory of that ensemble, over one of {_FEW_FILES} of the files",
            peak_mb / few_mb,
            MAX_GROWTH,
            at_most=True,
            detail=detail,
        ),
    ]


def write_submission(path: str, num_videos: int, seed: int) -> None:
    """Random scores for the same videos in another order for each seed.

    Files share about a quarter of a video's labels; lines repeat, with other ids, after the first
    5,000 videos.
    """
    rng = np.random.default_rng(seed)
    count = min(_DIFFERENT_LINES, num_videos)
    shape = (count, LABELS_PER_VIDEO)
    labels = rng.random((count, 4 * LABELS_PER_VIDEO)).argsort(axis=1)[:, :LABELS_PER_VIDEO]
    labels += (np.arange(count) % (_NUM_CLASSES - 4 * LABELS_PER_VIDEO))[:, None]
    scores = -np.sort(-(rng.random(shape) ** 4), axis=1).astype(np.float32)
    lines = format_lines(np.full(count, b"", object), labels, scores).split(b"\n")[:-1]
    with open(path, "wb") as file:
        file.write(HEADER)
        for video in rng.permutation(num_videos).tolist():
            file.write(b"%05x%b\n" % (video, lines[video % count]))


def _run(paths: list[str], workdir: Path) -> tuple[float, float]:
    """Seconds and peak resident megabytes of the program, with its start."""
    command = [sys.executable, "-m", "yt8m_models.prediction.ensemble", *paths]
    command.append(f"--output_file={workdir / 'out.csv'}")
    seconds = seconds_of(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6
