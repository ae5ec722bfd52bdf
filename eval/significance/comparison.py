"""McNemar's test on Hit@1 for two submission files."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eval.mcnemar_test import McNemar, mcnemar
from eval.significance.config import SignificanceConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.video_ids import nothing_in_common
from yt8m_models.prediction.submission_reader import Predictions, line_starts, read_submission
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress

NO_LABEL = -1
ABSENT = -2
_BATCH = 1024


@dataclass(frozen=True)
class Comparison:
    """How two submission files compare.

    Attributes:
        files: the two files.
        num_videos: videos that were compared.
        hits: videos of those whose best class is a label, for each file.
        test: McNemar's test on them.
        unlabelled: videos of the records without labels; left out.
        unpredicted: labelled videos that neither file has; left out.
        one_sided: labelled videos that only the first, and only the second file has.
        problems: what the reader skipped, as a sentence; `None` where nothing was wrong.
    """

    files: tuple[str, str]
    num_videos: int
    hits: tuple[int, int]
    test: McNemar
    unlabelled: int
    unpredicted: int
    one_sided: tuple[int, int]
    problems: str | None

    def report(self) -> str:
        """The comparison in words."""
        width = max(map(len, self.files))
        lines = [f"Hit@1 of {self.num_videos:,} videos"]
        for file, hits in zip(self.files, self.hits, strict=True):
            lines.append(f"  {file:{width}}  {hits / self.num_videos:.4f}  ({hits:,} right)")
        lines.append(
            f"right in the first alone {self.test.only_a:,}, "
            f"in the second alone {self.test.only_b:,}"
        )
        lines.append(f"McNemar's exact test: p = {self.test.p_value:.4g}")
        left_out = {
            "videos without labels": self.unlabelled,
            "labelled videos that neither file has": self.unpredicted,
        }
        if any(left_out.values()):
            counts = [f"{count:,} {what}" for what, count in left_out.items() if count]
            lines.append(f"left out: {', '.join(counts)}")
        return "\n".join(lines)


def compare(config: SignificanceConfig, progress: bool = False) -> Comparison:
    """Compares two submission files on the labelled videos that they have.

    Left out are videos without labels, labelled videos that neither file has, and predicted videos
    that the records lack. What only one of the files has is refused, wrong there, or left out too,
    as `config.missing` says. In memory is the best label of each video of both files, and whether
    it is right; nothing else of the files and the records.

    Args:
        config: the files.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: the files are not two, a line or a record is malformed (named), the records have
            a video twice, a video is in one file only, no video can be compared, or SciPy is not
            installed.
        OSError: a file cannot be read.
    """
    require("scipy")
    paths = match_files(config.predictions)
    if len(paths) != 2:
        raise ValueError(
            f"two different submission files are compared; received {len(paths)}: "
            f"{', '.join(paths)}"
        )
    files = [read_best_labels(path) for path in paths]
    video_ids = np.union1d(files[0].video_ids, files[1].video_ids)
    best = np.stack([file.of(video_ids) for file in files])  # (2, videos)
    is_seen, is_labelled = np.zeros((2, len(video_ids)), bool)
    is_right = np.zeros(best.shape, bool)
    unlabelled = unpredicted = 0
    of_labels: list[bytes] = []
    ledger = Ledger(config.max_bad_records)
    records = (
        identity
        for file in match_files(config.labels)
        for _, identity in identified_records(file, ledger)
    )
    with Progress(description="comparing", enabled=progress) as bar:
        while batch := list(itertools.islice(records, _BATCH)):
            batch_ids = np.array([video_id for video_id, _ in batch], dtype=bytes)
            of_labels = of_labels or batch_ids[:1].tolist()
            places = np.searchsorted(video_ids[:-1], batch_ids)
            is_predicted = video_ids[places] == batch_ids
            for (_, labels), place, is_known in zip(batch, places, is_predicted, strict=True):
                unlabelled += not labels
                if not is_known:
                    unpredicted += bool(labels)
                    continue
                if is_seen[place]:
                    video = _text(video_ids[place])
                    raise ValueError(f"the records of --labels have the video {video!r} twice")
                is_seen[place], is_labelled[place] = True, bool(labels)
                is_right[:, place] = [label in labels for label in best[:, place]]
            bar.update(len(batch))
    in_a, in_b = is_labelled & (best != ABSENT)
    only_a, only_b = int(np.sum(in_a & ~in_b)), int(np.sum(in_b & ~in_a))
    if only_a + only_b and config.missing == "refuse":
        raise ValueError(
            f"{only_a + only_b:,} labelled videos, such as {_text(video_ids[in_a != in_b][0])!r}, "
            f"are in one file alone: {only_a:,} in {paths[0]}, {only_b:,} in {paths[1]}; "
            "--missing=wrong counts them as wrong in the other, --missing=skip leaves them out"
        )
    if not is_seen.any():
        raise ValueError(nothing_in_common(config.labels, of_labels, " ".join(paths), video_ids))
    right_a, right_b = is_right[:, in_a & in_b if config.missing == "skip" else in_a | in_b]
    if not len(right_a):
        skipped = f"; {summary}" if (summary := ledger.summary()) else ""
        raise ValueError(
            f"no labelled video of {config.labels} is in {paths[0]} and {paths[1]}{skipped}"
        )
    return Comparison(
        files=(paths[0], paths[1]),
        num_videos=len(right_a),
        hits=(int(np.sum(right_a)), int(np.sum(right_b))),
        test=mcnemar(right_a, right_b),
        unlabelled=unlabelled,
        unpredicted=unpredicted,
        one_sided=(only_a, only_b),
        problems=ledger.summary(),
    )


def _text(video_id: bytes) -> str:
    return video_id.decode(errors="replace")


class BestLabels(NamedTuple):
    """Videos in the order of their ids; some ten bytes each in memory.

    Attributes:
        video_ids: bytes `(videos,)`, ascending.
        labels: the best label of each video, `NO_LABEL` where the file lists none, `(videos,)`.
    """

    video_ids: np.ndarray
    labels: np.ndarray

    def of(self, video_ids: np.ndarray) -> np.ndarray:
        """The best labels of videos, `ABSENT` for those that are not here, `(videos,)`."""
        places = np.searchsorted(self.video_ids[:-1], video_ids)
        return np.where(self.video_ids[places] == video_ids, self.labels[places], ABSENT)


def read_best_labels(path: str) -> BestLabels:
    """Reads a submission file; of equal scores the lower label is better.

    Raises:
        ValueError: there is no video, a line is malformed, or a video has two; names file and line.
        OSError: the file cannot be read.
    """
    ids, labels, lines = [np.empty(0, "S1")], [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for block in read_submission(path):
        ids.append(np.array(block.video_ids, dtype=bytes))
        labels.append(_best(block))
        lines.append(block.lines)
    video_ids = np.concatenate(ids)
    if not len(video_ids):
        raise ValueError(f"{path} has no video")
    order = np.argsort(video_ids, kind="stable")
    video_ids = video_ids[order]
    repeated = np.flatnonzero(video_ids[1:] == video_ids[:-1])
    if len(repeated):
        first, second = np.concatenate(lines)[order[repeated[0] : repeated[0] + 2]]
        raise ValueError(
            f"{path}, line {second}: video {video_ids[repeated[0]].decode(errors='replace')!r} is "
            f"already in line {first}"
        )
    return BestLabels(video_ids, np.concatenate(labels)[order])


def _best(block: Predictions) -> np.ndarray:
    """The best label of each line, int32 `(lines,)`."""
    best = np.full(len(block.counts), NO_LABEL, np.int32)
    lines = np.flatnonzero(block.counts)
    if len(lines):
        starts = line_starts(block.counts)[lines]
        highest = np.maximum.reduceat(block.scores, starts)
        is_best = block.scores == np.repeat(highest, block.counts[lines])
        labels = np.where(is_best, block.labels, np.iinfo(np.int32).max)
        best[lines] = np.minimum.reduceat(labels, starts)
    return best
