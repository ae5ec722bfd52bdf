"""The id and the labels of a record, at any level, without its features."""

from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_reader import BadRecord, parsed_records


class RecordIdentity(NamedTuple):
    """Which video a record is of, and the class ids of that video."""

    video_id: bytes
    labels: list[int]


def identify(content: bytes) -> RecordIdentity:
    """The id and the labels of a serialized record, of video, frame or segment level.

    An `Example` and a `SequenceExample` have them at the same place: field 1 of both is the
    `Features` that hold them. So both are read as an `Example`.

    Raises:
        ValueError: it is no record, has no id, or has labels that are not integers.
    """
    try:
        features = tf.train.Example.FromString(content).features.feature
    except DecodeError:
        raise ValueError(
            f"neither an Example nor a SequenceExample; it begins with {content[:16]!r}"
        ) from None
    for name in ("id", "video_id"):
        values = list(features[name].bytes_list.value) if name in features else []
        if len(values) == 1 and values[0]:
            video_id = values[0]
            break
    else:
        found = ", ".join(sorted(features)) if features else "no features"
        raise ValueError(f"it has no id; there are {found}")
    labels = features["labels"] if "labels" in features else tf.train.Feature()
    if labels.WhichOneof("kind") not in (None, "int64_list"):
        raise ValueError(f"video {video_id.decode(errors='replace')!r}: labels must be integers")
    return RecordIdentity(video_id, list(labels.int64_list.value))


def identified_records(file: str, ledger: Ledger) -> Iterator[tuple[bytes, RecordIdentity]]:
    """Yields the content and the identity of each record of a file that has them.

    Raises:
        ValueError: the file cannot be opened, or there are more bad records than the ledger takes;
            names the file, and the record, counted from 0.
    """
    for record in parsed_records(file, identify):
        if isinstance(record, BadRecord):
            ledger.add_bad(record)
        else:
            yield record
