"""The labels of very many videos, by a hash of their ids."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_identity import identified_records
from yt8m_models.prediction.score.hashes import hashes
from yt8m_models.program.progress import Progress

_BATCH = 4096


@dataclass(frozen=True)
class VideoLabels:
    """Videos in the order of their hashes; some 16 bytes for each and 8 for each label.

    A video is known by its place in that order, a class by its place in `classes`; a class that is
    no video's label has the place `len(classes)`.

    Attributes:
        hashes: of the ids, uint64 `(videos,)`, ascending.
        classes: ids of the classes that are labels, int64, ascending.
        entries: `place of the video · (len(classes) + 1) + place of the class` for each label,
            int64, ascending.
        first: where the entries of each video begin, and at last their end, int64 `(videos + 1,)`.
        example: the id of one of the videos.
    """

    hashes: np.ndarray
    classes: np.ndarray
    entries: np.ndarray
    first: np.ndarray
    example: bytes

    def places(self, video_ids: Sequence[bytes]) -> np.ndarray:
        """The places of videos, int64; -1 for those that are not here."""
        wanted = hashes(video_ids)
        places = np.searchsorted(self.hashes[:-1], wanted)
        return np.where(self.hashes[places] == wanted, places, -1)

    def class_places(self, labels: np.ndarray) -> np.ndarray:
        """The places of classes, int64."""
        places = np.searchsorted(self.classes[:-1], labels)
        return np.where(self.classes[places] == labels, places, len(self.classes))

    def are_labels(self, videos: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Whether each class is a label of each video, both by their places; bool."""
        wanted = videos * (len(self.classes) + 1) + classes
        return np.asarray(self.entries[np.searchsorted(self.entries[:-1], wanted)] == wanted)

    def num_labels(self, videos: np.ndarray) -> np.ndarray:
        """How many labels videos have, by their places."""
        return self.first[videos + 1] - self.first[videos]

    def positives(self, videos: np.ndarray) -> np.ndarray:
        """How many of the videos, by their places, have each class; `(len(classes) + 1,)`."""
        is_counted = np.zeros(len(self.hashes), bool)
        is_counted[videos] = True
        labels = self.entries[np.repeat(is_counted, np.diff(self.first))]
        num_places = len(self.classes) + 1
        return np.bincount(labels % num_places, minlength=num_places)


def read_video_labels(files: Iterable[str], ledger: Ledger, bar: Progress) -> VideoLabels:
    """Reads the labels of the records of some files, of any level.

    Raises:
        ValueError: a file cannot be read, there are more bad records than the ledger takes, a video
            is there twice, or there is no label at all.
    """
    files = list(files)
    records = (identity for file in files for _, identity in identified_records(file, ledger))
    of_ids, counts, labels = [], [], []
    example = b""
    while batch := list(itertools.islice(records, _BATCH)):
        example = example or batch[0].video_id
        of_ids.append(hashes([video_id for video_id, _ in batch]))
        distinct = [sorted(set(classes)) for _, classes in batch]
        counts.append(np.array([len(classes) for classes in distinct], np.int64))
        labels.append(np.array(list(itertools.chain.from_iterable(distinct)), np.int64))
        bar.update(len(batch))
    if not any(map(len, labels)):
        raise ValueError(f"the records of --labels have no labels: {files[0]}, …")
    all_hashes, all_counts = np.concatenate(of_ids), np.concatenate(counts)
    order = np.argsort(all_hashes, kind="stable")
    all_hashes = all_hashes[order]
    repeated = np.flatnonzero(all_hashes[1:] == all_hashes[:-1])
    if len(repeated):
        raise ValueError(_repetition(files, all_hashes[repeated[0]]))
    classes, class_places = np.unique(np.concatenate(labels), return_inverse=True)
    video_places = np.empty(len(order), np.int64)
    video_places[order] = np.arange(len(order))
    entries = np.repeat(video_places, all_counts) * (len(classes) + 1) + class_places
    first = np.concatenate([[0], np.cumsum(all_counts[order])])
    return VideoLabels(all_hashes, classes, np.sort(entries), first, example)


def _repetition(files: Sequence[str], wanted: np.uint64) -> str:
    """Says where the video of a hash is there twice."""
    found = []
    for file in files:
        for _, (video_id, _) in identified_records(file, Ledger(2**62)):
            if hashes([video_id])[0] == wanted:
                found.append((video_id, file))
    (video_id, first), (_, second) = found[:2]
    return (
        f"the records of --labels have the video {video_id.decode(errors='replace')!r} twice: "
        f"in {first} and in {second}"
    )
