"""The weighted average of predictions for some videos."""

from collections.abc import Sequence

import numpy as np

from yt8m_models.prediction.ensemble.lines import Lines
from yt8m_models.prediction.submission_reader import line_starts

_LABEL_BITS = 31


def average(lines: Lines, weights: np.ndarray, top_k: int, paths: Sequence[str]) -> Lines:
    """One line for each video, its `top_k` best labels by average score, best first.

    The average of video v and label l is Σ_f w_f s_f(v, l) / Σ_f w_f over all files f, where s_f is
    0 for pairs that f lacks. It is rounded to float32, as predictions are; of equal averages the
    lower label is better. Labels that no file lists for a video are not written.

    Args:
        lines: lines of all files, ascending by key, every line of the videos that occur.
        weights: a weight for each file, float64 `(files,)`.
        top_k: labels to keep for each video at most.
        paths: the files, for errors.

    Returns:
        Lines in the order of the videos' first lines, with the keys of those.

    Raises:
        ValueError: a file has a video twice, or a line has a label twice; names file and line.
    """
    index: dict[bytes, int] = {}
    videos = np.array([index.setdefault(video, len(index)) for video in lines.video_ids], np.int64)
    _check_videos(lines, videos, paths)
    pair_lines = np.repeat(np.arange(len(videos)), lines.counts)
    weighted = lines.scores * (weights / weights.sum())[lines.files][pair_lines]

    pairs = (videos[pair_lines] << _LABEL_BITS) | lines.labels
    order = np.argsort(pairs, kind="stable")
    pairs, pair_lines = pairs[order], pair_lines[order]
    is_first = np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]
    _check_labels(lines, pair_lines, is_first, paths)
    starts = np.flatnonzero(is_first)
    pairs = pairs[starts]
    scores = np.add.reduceat(weighted[order], starts) if len(starts) else weighted
    scores = scores.astype(np.float32)

    videos_of_pairs = pairs >> _LABEL_BITS
    best_first = np.lexsort((-scores, videos_of_pairs))  # ties stay by label
    counts = np.bincount(videos_of_pairs, minlength=len(index))
    places = np.arange(len(pairs)) - np.repeat(line_starts(counts), counts)
    kept = best_first[places < top_k]
    _, first_lines = np.unique(videos, return_index=True)
    return Lines(
        lines.keys[first_lines],
        list(index),
        np.minimum(counts, top_k),
        (pairs[kept] & ((1 << _LABEL_BITS) - 1)).astype(np.int32),
        scores[kept],
    )


def _check_videos(lines: Lines, videos: np.ndarray, paths: Sequence[str]) -> None:
    """Refuses a file with two lines of a video."""
    order = np.lexsort((lines.files, videos))
    files, ordered = lines.files[order], videos[order]
    repeated = np.flatnonzero((ordered[1:] == ordered[:-1]) & (files[1:] == files[:-1]))
    if len(repeated):
        first, second = np.sort(order[repeated[0] : repeated[0] + 2])
        raise ValueError(
            f"{lines.name(second, paths)}: video {lines.shown_id(second)} is already in "
            f"{lines.name(first, paths)}"
        )


def _check_labels(
    lines: Lines, pair_lines: np.ndarray, is_first: np.ndarray, paths: Sequence[str]
) -> None:
    """Refuses a line that lists a label twice; `pair_lines` are sorted by video and label."""
    repeated = np.flatnonzero(~is_first[1:] & (pair_lines[1:] == pair_lines[:-1]))
    if len(repeated):
        line = pair_lines[repeated[0]]
        raise ValueError(
            f"{lines.name(line, paths)}: video {lines.shown_id(line)} lists a label twice"
        )
