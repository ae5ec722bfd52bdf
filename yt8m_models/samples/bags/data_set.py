"""Writing a sample data set: its shards and its vocabulary."""

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yt8m_models.samples.bags.bag_class import BagClass
from yt8m_models.samples.shards import write_shards
from yt8m_models.storage.whole_file import whole_path

_VOCABULARY_COLUMNS = (
    *("Index", "TrainVideoCount", "KnowledgeGraphId", "Name"),
    *("Vertical1", "Vertical2", "Vertical3"),
)


@dataclass(frozen=True)
class Part:
    """A part of a data set: training, validation or test videos.

    Attributes:
        prefix: of its shards.
        num_videos: how many.
        record: the serialized record of an index.
    """

    prefix: str
    num_videos: int
    record: Callable[[int], bytes]


def write_data_set(
    output_dir: str,
    parts: Sequence[Part],
    vocabulary: str,
    num_shards: int,
    overwrite: bool = False,
    progress: bool = False,
) -> list[str]:
    """Writes the shards of each part, and `vocabulary.csv`; returns the paths in this order.

    Raises:
        ValueError: the directory has such files and `overwrite` is false.
    """
    vocabulary_path = os.path.join(output_dir, "vocabulary.csv")
    if not overwrite and tf.io.gfile.exists(vocabulary_path):
        raise ValueError(
            f"{vocabulary_path} exists already; choose another --output_dir, or replace the files "
            "there with --overwrite"
        )
    paths = []
    for part in parts:
        paths += write_shards(
            *(output_dir, part.prefix, num_shards, part.num_videos, part.record),
            overwrite=overwrite,
            progress=progress,
        )
    with whole_path(vocabulary_path) as path, tf.io.gfile.GFile(path, "w") as file:
        file.write(vocabulary)
    return [*paths, vocabulary_path]


def vocabulary(
    classes: Sequence[BagClass], graph: str, labels: Callable[[int], list[int]], num_videos: int
) -> str:
    """The classes as a CSV file with the columns of the release's vocabulary.

    Args:
        classes: in the order of their ids.
        graph: the first part of their graph ids.
        labels: those of a training video.
        num_videos: how many training videos there are.
    """
    counts = np.zeros(len(classes), np.int64)
    for index in range(num_videos):
        counts[labels(index)] += 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_VOCABULARY_COLUMNS)
    for index, (entry, count) in enumerate(zip(classes, counts, strict=True)):
        graph_id = f"/{graph}/{entry.name.lower().replace(' ', '_')}"
        writer.writerow([index, count, graph_id, entry.name, entry.vertical, "", ""])
    return text.getvalue()
