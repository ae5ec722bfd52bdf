"""Scoring submission files of any size against labelled records.

records → labels by a hash of the id;  each file → a block of lines → metrics
"""

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.prediction.metric_tables import class_names, class_table, table_text
from yt8m_models.prediction.score.config import ScoreConfig
from yt8m_models.prediction.score.rated_segments import RatedSegments, read_rated_segments
from yt8m_models.prediction.score.scores import Scores
from yt8m_models.prediction.score.segment_scores import score_segments
from yt8m_models.prediction.score.video_labels import VideoLabels, read_video_labels
from yt8m_models.prediction.score.video_scores import score_videos
from yt8m_models.prediction.submission_lines import SEGMENTS, header_of
from yt8m_models.program.progress import Progress
from yt8m_models.storage.text_tables import aligned
from yt8m_models.storage.whole_file import write_text


def score(config: ScoreConfig, progress: bool = False) -> tuple[list[Scores], str | None]:
    """Scores submission files, and writes `config.output_file` if asked.

    In memory are the labels, some 40 bytes a video, and of the files a block of lines at a time;
    the ranked entries of more than some 50,000 videos are in a temporary file.

    Args:
        config: what to score.
        progress: show progress bars on stderr.

    Returns:
        The scores of each file, and what the reader of the records skipped, as a sentence; `None`
        where nothing was wrong.

    Raises:
        ValueError: a flag, a file or a record is wrong, or a file has nothing in common with the
            records; the message says which.
        OSError: a file cannot be read or written.
    """
    paths = match_files(config.submissions, "submissions")
    are_segments = [header_of(path) == SEGMENTS for path in paths]
    names = class_names(config.vocabulary) if config.vocabulary else {}
    files = match_files(config.labels, "labels")
    ledger = Ledger(config.max_bad_records)
    labels: VideoLabels | None = None
    rated: RatedSegments | None = None
    scores = []
    for path, is_segments in zip(paths, are_segments, strict=True):
        if is_segments:
            if rated is None:
                with Progress(description="labels", enabled=progress) as bar:
                    rated = read_rated_segments(files, ledger, bar)
            with Progress(unit="classes", description="scoring", enabled=progress) as bar:
                scores.append(score_segments(path, rated, config.segment_max_pred, bar))
        else:
            if labels is None:
                with Progress(description="labels", enabled=progress) as bar:
                    labels = read_video_labels(files, ledger, bar)
            with Progress(description="scoring", enabled=progress) as bar:
                scores.append(score_videos(path, labels, config.top_k, config.missing, bar))
    if config.output_file:
        write = _json if config.output_file.endswith(".json") else _csv
        write_text(config.output_file, write(scores, names))
    return scores, ledger.summary()


def report(scores: Sequence[Scores]) -> str:
    """The scores in words: a table for each kind of files, and the remarks."""
    lines: list[str] = []
    for kind in ("videos", "segments"):
        rows = [file.row() for file in scores if file.kind == kind]
        if rows:
            cells = [list(rows[0]), *(list(row.values()) for row in rows)]
            lines += aligned(cells, "<" + ">" * (len(rows[0]) - 1))
    lines += [f"{file.file}: {remark}" for file in scores for remark in file.remarks]
    return "\n".join(lines)


def _json(scores: Sequence[Scores], names: Mapping[int, str]) -> str:
    return json.dumps([file.record(names) for file in scores], indent=2) + "\n"


def _csv(scores: Sequence[Scores], names: Mapping[int, str]) -> str:
    tables = []
    for file in scores:
        table = class_table(file.classes, file.positives, file.aps, names)
        table.insert(0, "file", file.file)
        tables.append(table)
    return table_text(pd.concat(tables))
