"""`vocabulary.csv`: the classes of a data set, with the columns of the release's."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import write_text

_COLUMNS = (
    *("Index", "TrainVideoCount", "KnowledgeGraphId", "Name"),
    *("Vertical1", "Vertical2", "Vertical3"),
)


def write_vocabulary(
    path: str, graph: str, classes: Sequence[tuple[str, str]], labels: Iterable[Sequence[int]]
) -> None:
    """Writes the classes, and how many training videos have each.

    Args:
        path: the file.
        graph: the first part of their graph ids.
        classes: name and group of each, in the order of their ids.
        labels: the classes of each training video.
    """
    counts = np.bincount(list(itertools.chain.from_iterable(labels)), minlength=len(classes))
    rows = [
        (index, counts[index], f"/{graph}/{name.lower().replace(' ', '_')}", name, group, "", "")
        for index, (name, group) in enumerate(classes)
    ]
    write_text(path, csv_text(_COLUMNS, rows))
