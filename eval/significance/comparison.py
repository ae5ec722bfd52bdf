"""McNemar's test on Hit@1 for two submission files."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from eval.mcnemar_test import McNemar, mcnemar
from eval.significance.best_labels import BestLabels, read_best_labels
from eval.significance.config import SignificanceConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_identity import RecordIdentity, identified_records
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress

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
        left_out = [
            f"{count:,} {what}"
            for count, what in (
                (self.unlabelled, "videos without labels"),
                (self.unpredicted, "labelled videos that neither file has"),
            )
            if count
        ]
        return "\n".join(
            [
                f"Hit@1 of {self.num_videos:,} videos",
                *(
                    f"  {file:{width}}  {hits / self.num_videos:.4f}  ({hits:,} right)"
                    for file, hits in zip(self.files, self.hits, strict=True)
                ),
                f"right in the first alone {self.test.only_a:,}, "
                f"in the second alone {self.test.only_b:,}",
                f"McNemar's exact test: p = {self.test.p_value:.4g}",
                *([f"left out: {', '.join(left_out)}"] if left_out else []),
            ]
        )


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
    a, b = (read_best_labels(path) for path in paths)
    ledger = Ledger(config.max_bad_records)
    records = _identities(match_files(config.labels), ledger)
    tally = _Tally(a, b)
    with Progress(description="comparing") if progress else nullcontext() as bar:
        while batch := list(itertools.islice(records, _BATCH)):
            tally.add(batch)
            if bar is not None:
                bar.update(len(batch))
    in_a, in_b, right_a, right_b = tally.outcomes()
    only_a, only_b = int(np.sum(in_a & ~in_b)), int(np.sum(in_b & ~in_a))
    if only_a + only_b and config.missing == "refuse":
        raise ValueError(
            f"{only_a + only_b:,} labelled videos, such as {tally.one_sided!r}, are in one file "
            f"alone: {only_a:,} in {paths[0]}, {only_b:,} in {paths[1]}; --missing=wrong counts "
            "them as wrong in the other, --missing=skip leaves them out"
        )
    kept = in_a & in_b if config.missing == "skip" else in_a | in_b
    if not kept.any():
        raise ValueError(f"no labelled video of {config.labels} is in {paths[0]} and {paths[1]}")
    return Comparison(
        files=(paths[0], paths[1]),
        num_videos=int(np.sum(kept)),
        hits=(int(np.sum(right_a[kept])), int(np.sum(right_b[kept]))),
        test=mcnemar(right_a[kept], right_b[kept]),
        unlabelled=tally.unlabelled,
        unpredicted=tally.unpredicted,
        one_sided=(only_a, only_b),
        problems=ledger.summary(),
    )


class _Tally:
    """What the records say about the predictions, batch by batch.

    Attributes:
        unlabelled: videos without labels.
        unpredicted: labelled videos that neither file has.
        one_sided: a labelled video that only one file has, empty where there is none.
    """

    def __init__(self, a: BestLabels, b: BestLabels) -> None:
        self.unlabelled = 0
        self.unpredicted = 0
        self.one_sided = ""
        self._predictions = (a, b)
        self._video_ids = np.union1d(a.video_ids, b.video_ids)
        self._seen = np.zeros(len(self._video_ids), bool)
        self._outcomes = [np.empty((4, 0), bool)]

    def add(self, batch: Sequence[RecordIdentity]) -> None:
        video_ids = np.array([video_id for video_id, _ in batch], dtype=bytes)
        self._see(video_ids)
        is_labelled = np.array([bool(labels) for _, labels in batch])
        (in_a, right_a), (in_b, right_b) = (
            _outcome(best, video_ids, batch) for best in self._predictions
        )
        counted = is_labelled & (in_a | in_b)
        alone = np.flatnonzero(counted & (in_a != in_b))
        if len(alone) and not self.one_sided:
            self.one_sided = _text(video_ids[alone[0]])
        self.unlabelled += int(np.sum(~is_labelled))
        self.unpredicted += int(np.sum(is_labelled & ~counted))
        self._outcomes.append(np.stack([in_a, in_b, right_a, right_b])[:, counted])

    def outcomes(self) -> np.ndarray:
        """Of each labelled and predicted video: in a, in b, a right, b right; `(4, videos)`."""
        return np.concatenate(self._outcomes, axis=1)

    def _see(self, video_ids: np.ndarray) -> None:
        """Refuses a predicted video that the records have twice."""
        places = np.searchsorted(self._video_ids[:-1], video_ids)
        places = places[self._video_ids[places] == video_ids]
        unique, counts = np.unique(places, return_counts=True)
        repeated = unique[self._seen[unique] | (counts > 1)]
        if len(repeated):
            video = _text(self._video_ids[repeated[0]])
            raise ValueError(f"the records of --labels have the video {video!r} twice")
        self._seen[unique] = True


def _outcome(
    best: BestLabels, video_ids: np.ndarray, batch: Sequence[RecordIdentity]
) -> tuple[np.ndarray, np.ndarray]:
    """Which videos a file has, and which of them it has right."""
    is_there, best_labels = best.of(video_ids)
    pairs = zip(best_labels.tolist(), batch, strict=True)
    return is_there, is_there & np.array([label in labels for label, (_, labels) in pairs])


def _identities(files: Sequence[str], ledger: Ledger) -> Iterator[RecordIdentity]:
    for file in files:
        for _, identity in identified_records(file, ledger):
            yield identity


def _text(video_id: bytes) -> str:
    return video_id.decode(errors="replace")
