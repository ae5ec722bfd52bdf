"""Averaging submission files of any size.

    files → lines → partitions by video → averages → runs by first appearance → one merged file

Every video is averaged in the partition that has all of its lines. The averages of a partition are
written in the order in which their videos first appear, and these runs are merged.
"""

import heapq
import itertools
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

import numpy as np

from yt8m_models.data.patterns import match_files
from yt8m_models.prediction.ensemble.averaging import average
from yt8m_models.prediction.ensemble.config import EnsembleConfig
from yt8m_models.prediction.ensemble.lines import Lines, Partitions, line_keys
from yt8m_models.prediction.ensemble.overlap import Overlap
from yt8m_models.prediction.ensemble.score_ranks import ScoreRanks
from yt8m_models.prediction.submission import HEADER, format_lines
from yt8m_models.prediction.submission_lines import num_text_bytes
from yt8m_models.prediction.submission_reader import line_starts, read_submission
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import whole_file

PARTITION_BYTES = 32 << 20
_MOST_PARTITIONS = 128  # as many files are open at once
_KEY = b"%016x"
_WRITTEN_LINES = 4096


@dataclass(frozen=True)
class EnsembleSummary:
    """What was averaged.

    Attributes:
        num_files: input files.
        num_videos: videos in the output.
        num_partial: videos of those that not every file has.
        seconds: how long it took.
    """

    num_files: int
    num_videos: int
    num_partial: int
    seconds: float


def ensemble(
    config: EnsembleConfig, progress: bool = False, partition_bytes: int = PARTITION_BYTES
) -> EnsembleSummary:
    """Averages submission files and writes the result in the same format.

    See `averaging.average` for the average and its ties, and `ScoreRanks` for `rank_average`.
    Videos are written in the order of the first file, then those that only later files have, in the
    order in which they appear. Memory stays the same up to 128 partitions of input (4 GB), and
    grows with a 128th of the input beyond that. Temporary files beside the output take about as
    much space as the input.

    Args:
        config: what to average.
        progress: show progress bars on stderr.
        partition_bytes: about how much input is averaged at a time.

    Raises:
        ValueError: weights and files differ in number, the output is one of the files, a file has
            no video in common with the others, or is malformed; the message names the flag, or the
            file and the line.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    paths = match_files(config.input_files)
    weights = _weights(config, paths)
    _check_output(config.output_file, paths)
    num_bytes = sum(map(num_text_bytes, paths))
    num_parts = min(max(-(-num_bytes // partition_bytes), 1), _MOST_PARTITIONS)
    with (
        whole_file(config.output_file) as output,
        _temporary_directory(config.output_file) as directory,
        ExitStack() as files,
    ):
        partitions = Partitions(directory, num_parts)
        with Progress(num_bytes >> 20, "MB", "reading", enabled=progress) as bar:
            ranks, first_ids, num_lines = _deal_out(paths, partitions, config.rank_average, bar)
        overlap = Overlap(first_ids)
        runs = []
        with Progress(num_lines, "lines", "averaging", enabled=progress) as bar:
            for part in range(num_parts):
                lines = partitions.take(part)
                overlap.add(lines)
                if config.rank_average:
                    lines = _ranked(lines, ranks)
                run = files.enter_context(open(os.path.join(directory, f"{part}.run"), "w+b"))
                _write_run(run, average(lines, weights, config.top_k, paths))
                runs.append(run)
                bar.update(len(lines.keys))
        overlap.check(paths)
        num_videos = _merge(runs, output)
    seconds = time.monotonic() - start
    return EnsembleSummary(len(paths), num_videos, overlap.num_partial, seconds)


def _weights(config: EnsembleConfig, paths: Sequence[str]) -> np.ndarray:
    if config.weights and len(config.weights) != len(paths):
        raise ValueError(
            f"--weights must have a number for each file; received {len(config.weights)} for the "
            f"{len(paths)} files {', '.join(paths)}"
        )
    return np.array(config.weights if config.weights else [1.0] * len(paths))


def _check_output(output: str, paths: Sequence[str]) -> None:
    is_local = not filesystems.scheme(output) and os.path.exists(output)
    for path in paths:
        is_file = is_local and not filesystems.scheme(path) and os.path.samefile(path, output)
        if path == output or is_file:
            raise ValueError(
                f"--output_file={output} is one of the input files; write to another file"
            )


def _temporary_directory(output: str) -> tempfile.TemporaryDirectory:
    """A directory beside a local output, otherwise where the system has its temporary files."""
    directory, name = os.path.split(output)
    where = None if filesystems.scheme(output) else directory or "."
    return tempfile.TemporaryDirectory(prefix=f".{name}.", dir=where)


def _deal_out(
    paths: Sequence[str], partitions: Partitions, rank_average: bool, bar: Progress
) -> tuple[list[ScoreRanks], list[bytes | None], int]:
    """Reads all files into the partitions.

    Returns:
        The ranks of each file if asked, the id of the first video of each, and how many lines.
    """
    ranks: list[ScoreRanks] = []
    first_ids: list[bytes | None] = []
    num_lines = num_bytes = 0
    for file, path in enumerate(paths):
        file_ranks = ScoreRanks()
        first_ids.append(None)
        for block in read_submission(path):
            keys = line_keys(file, block.lines)
            if first_ids[file] is None and block.video_ids:
                first_ids[file] = block.video_ids[0]
            partitions.add(Lines(keys, block.video_ids, block.counts, block.labels, block.scores))
            if rank_average:
                file_ranks.add(block.scores)
            num_lines += len(keys)
            num_bytes += block.num_bytes
            bar.update((num_bytes >> 20) - bar.done)
        file_ranks.finish()
        ranks.append(file_ranks)
    return ranks, first_ids, num_lines


def _ranked(lines: Lines, ranks: Sequence[ScoreRanks]) -> Lines:
    """The lines with ranks instead of scores."""
    scores = np.empty_like(lines.scores)
    files = np.repeat(lines.files, lines.counts)
    ends = np.searchsorted(files, np.arange(len(ranks) + 1))  # lines are sorted by file
    for file, file_ranks in enumerate(ranks):
        pairs = slice(ends[file], ends[file + 1])
        scores[pairs] = file_ranks.ranks(lines.scores[pairs])
    return lines._replace(scores=scores)


def _write_run(run: IO[bytes], averages: Lines) -> None:
    """Writes lines in the order of their keys, each behind its key in 16 hexadecimal digits."""
    starts = line_starts(averages.counts)
    written: list[bytes] = []
    for count in np.unique(averages.counts):
        rows = np.flatnonzero(averages.counts == count)
        pairs = starts[rows, None] + np.arange(count)
        ids = np.array([averages.video_ids[row] for row in rows.tolist()], object)
        text = format_lines(ids, averages.labels[pairs], averages.scores[pairs])
        keys = [_KEY % key for key in averages.keys[rows].tolist()]
        lines = text.split(b"\n")[:-1]
        written += [key + line for key, line in zip(keys, lines, strict=True)]
    run.writelines(line + b"\n" for line in sorted(written))
    run.seek(0)


def _merge(runs: Sequence[IO[bytes]], output: IO[bytes]) -> int:
    """Merges the runs by their keys into the output, without the keys; returns how many lines."""
    output.write(HEADER)
    num_lines = 0
    key_size = len(_KEY % 0)
    merged = heapq.merge(*runs)
    while lines := list(itertools.islice(merged, _WRITTEN_LINES)):
        output.write(b"".join([line[key_size:] for line in lines]))
        num_lines += len(lines)
    return num_lines
