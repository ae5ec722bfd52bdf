"""GAP, Hit@1, PERR and mAP of a submission file of videos."""

import numpy as np

from eval.evaluation_metrics import EvaluationMetrics
from eval.ranking import Ranking
from yt8m_models.prediction.score.scores import Scores
from yt8m_models.prediction.score.video_labels import VideoLabels
from yt8m_models.prediction.submission_reader import Predictions, line_starts, read_submission
from yt8m_models.program.progress import Progress

_BLOCK_BYTES = 1 << 20


def score_videos(path: str, labels: VideoLabels, top_k: int, missing: str, bar: Progress) -> Scores:
    """Scores a submission of videos as `EvaluationMetrics` does; what a line does not list is none.

    Of a video's equal scores the lower class is better, and of different videos' the earlier line.

    Args:
        path: the file.
        labels: the videos that count.
        top_k: entries of each video that count in GAP and mAP.
        missing: `skip` the labelled videos that the file lacks, or count them as `wrong`.
        bar: counts the lines.

    Raises:
        ValueError: the file has no video of the labels, a line is malformed, or a labelled video is
            there twice; names file and line.
        OSError: the file cannot be read.
    """
    metrics = EvaluationMetrics(len(labels.classes) + 1, top_k)
    lines = np.zeros(len(labels.hashes), np.int64)  # in which each video is
    num_lines, example = 0, None
    for block in read_submission(path, _BLOCK_BYTES):
        example = block.video_ids[0] if example is None and block.video_ids else example
        num_lines += len(block.video_ids)
        places = labels.places(block.video_ids)
        rows = np.flatnonzero(places >= 0)
        _note_lines(path, block, rows, places[rows], lines)
        metrics.add(_ranking(path, block, rows, places[rows], labels, top_k))
        bar.update(len(block.video_ids))
    lacking = np.flatnonzero(lines == 0)
    num_known = len(lines) - len(lacking)
    if not num_known:
        has = "no video" if example is None else f"videos such as {_text(example)!r}"
        raise ValueError(
            f"{path} has no video in common with --labels: it has {has}, and the records have "
            f"videos such as {_text(labels.example)!r}"
        )
    remarks = []
    if len(lacking):
        treatment = "counted as wrong" if missing == "wrong" else "left out"
        remarks.append(f"{len(lacking):,} videos of --labels are not in it, and {treatment}")
    if num_lines > num_known:
        remarks.append(f"{num_lines - num_known:,} of its videos are not in --labels, and left out")
    if missing == "wrong":
        metrics.add(_unranked(lacking, labels))
    result = metrics.result()
    is_label = metrics.positives[:-1] > 0
    return Scores(
        file=path,
        kind="videos",
        counts={"videos": result["num_videos"]},
        metrics={name: result[name] for name in ("hit_at_one", "perr", "gap", "map")},
        classes=labels.classes[is_label],
        positives=metrics.positives[:-1][is_label],
        aps=result["aps"][:-1][is_label],
        remarks=tuple(remarks),
    )


def _note_lines(
    path: str, block: Predictions, rows: np.ndarray, videos: np.ndarray, lines: np.ndarray
) -> None:
    """Notes the line of each video, and refuses a second one."""
    for row, video in zip(rows.tolist(), videos.tolist(), strict=True):
        if lines[video]:
            raise ValueError(
                f"{path}, line {block.lines[row]}: video {_text(block.video_ids[row])!r} is "
                f"already in line {lines[video]}"
            )
        lines[video] = block.lines[row]


def _ranking(
    path: str,
    block: Predictions,
    rows: np.ndarray,
    videos: np.ndarray,
    labels: VideoLabels,
    top_k: int,
) -> Ranking:
    """Ranks the classes that some lines of a block list; refuses a class twice in a line."""
    counts = block.counts[rows]
    starts = line_starts(counts)
    pairs = np.repeat(line_starts(block.counts)[rows] - starts, counts) + np.arange(counts.sum())
    listed, scores = block.labels[pairs].astype(np.int64), block.scores[pairs]
    lines = np.repeat(np.arange(len(rows)), counts)
    by_class = np.lexsort((listed, lines))
    is_again = (np.diff(lines[by_class]) == 0) & (np.diff(listed[by_class]) == 0)
    if is_again.any():
        row = rows[lines[by_class][np.flatnonzero(is_again)[0]]]
        raise ValueError(
            f"{path}, line {block.lines[row]}: video {_text(block.video_ids[row])!r} lists a label "
            "twice"
        )
    order = np.lexsort((listed, -scores, lines))
    ranks = np.arange(len(order)) - np.repeat(starts, counts)
    num_labels = labels.num_labels(videos)
    is_kept = ranks < np.maximum(top_k, num_labels)[lines]
    order, ranks, lines = order[is_kept], ranks[is_kept], lines[is_kept]
    classes = labels.class_places(listed[order])
    shape = len(rows), max(int(ranks.max(initial=0)) + 1, 1)
    ranking = Ranking(
        scores=np.full(shape, -np.inf),
        classes=np.zeros(shape, np.int64),
        hits=np.zeros(shape, bool),
        valid=np.zeros(shape, bool),
        num_labels=num_labels,
        positives=labels.positives(videos),
    )
    ranking.scores[lines, ranks] = scores[order]
    ranking.classes[lines, ranks] = classes
    ranking.hits[lines, ranks] = labels.are_labels(videos[lines], classes)
    ranking.valid[lines, ranks] = True
    return ranking


def _unranked(videos: np.ndarray, labels: VideoLabels) -> Ranking:
    """Videos that list nothing."""
    shape = len(videos), 1
    return Ranking(
        scores=np.full(shape, -np.inf),
        classes=np.zeros(shape, np.int64),
        hits=np.zeros(shape, bool),
        valid=np.zeros(shape, bool),
        num_labels=labels.num_labels(videos),
        positives=labels.positives(videos),
    )


def _text(video_id: bytes) -> str:
    return video_id.decode(errors="replace")
