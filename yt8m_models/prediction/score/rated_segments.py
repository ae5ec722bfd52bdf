"""The segments that are rated in records, by class and by a hash of their ids."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_identity import identify
from yt8m_models.data.record_reader import BadRecord, parsed_records
from yt8m_models.prediction.score.hashes import hashes
from yt8m_models.program.progress import Progress


class Rated(NamedTuple):
    """The rated segments of one class.

    Attributes:
        hashes: of `id:start`, uint64 `(segments,)`, ascending.
        is_positive: whether they show the class, bool `(segments,)`.
    """

    hashes: np.ndarray
    is_positive: np.ndarray


@dataclass(frozen=True)
class RatedSegments:
    """Rated segments; some 17 bytes for each pair of segment and class.

    Attributes:
        by_class: those of each class that has any, by class id.
        example: `id:start` of one of them.
    """

    by_class: dict[int, Rated]
    example: bytes


def read_rated_segments(files: Iterable[str], ledger: Ledger, bar: Progress) -> RatedSegments:
    """Reads the ratings of the segment-level records of some files.

    A pair of segment and class that is rated more than once is positive where one rating is.

    Raises:
        ValueError: a file cannot be read, there are more bad records than the ledger takes, or no
            segment is rated.
    """
    files = list(files)
    of_ids, classes, are_positive = [], [], []
    example = b""
    for file in files:
        for record in parsed_records(file, _ratings):
            if isinstance(record, BadRecord):
                ledger.add_bad(record)
                continue
            segments, labels, positive = record[1]
            bar.update()
            if segments:
                example = example or segments[0]
                of_ids.append(hashes(segments))
                classes.append(labels)
                are_positive.append(positive)
    if not of_ids:
        raise ValueError(f"the records of --labels rate no segment: {files[0]}, …")
    all_hashes, all_classes = np.concatenate(of_ids), np.concatenate(classes)
    order = np.lexsort((all_hashes, all_classes))
    all_hashes, all_classes = all_hashes[order], all_classes[order]
    is_first = np.append(
        True, (all_hashes[1:] != all_hashes[:-1]) | (all_classes[1:] != all_classes[:-1])
    )
    first = np.flatnonzero(is_first)
    is_positive = np.logical_or.reduceat(np.concatenate(are_positive)[order], first)
    all_hashes, all_classes = all_hashes[first], all_classes[first]
    labels, starts = np.unique(all_classes, return_index=True)
    parts = zip(np.split(all_hashes, starts[1:]), np.split(is_positive, starts[1:]), strict=True)
    by_class = {label: Rated(*part) for label, part in zip(labels.tolist(), parts, strict=True)}
    return RatedSegments(by_class, example)


def _ratings(content: bytes) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """The ids of a record's rated segments, their classes, and whether they show them."""
    video_id = identify(content).video_id
    features = tf.train.Example.FromString(content).features.feature
    kinds = {
        "segment_start_times": "int64_list",
        "segment_labels": "int64_list",
        "segment_scores": "float_list",
    }
    starts, labels, scores = (
        getattr(features[name], kind).value if name in features else ()
        for name, kind in kinds.items()
    )
    if not len(starts) == len(labels) == len(scores):
        raise ValueError(
            f"video {video_id.decode(errors='replace')!r}: {', '.join(kinds)} must have one value "
            f"a rating; they have {len(starts)}, {len(labels)} and {len(scores)}"
        )
    segments = [b"%b:%d" % (video_id, start) for start in starts]
    return segments, np.array(labels, np.int64), np.array(scores) > 0
