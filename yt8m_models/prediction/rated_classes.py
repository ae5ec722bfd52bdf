"""The classes that a submission of segments lists: those that the challenge rates, or others."""

import logging
from pathlib import Path

import numpy as np

from yt8m_models.storage.text_file import read_text

RATED_CLASSES_FILE = Path(__file__).with_name("segment_label_ids.csv")
VOCABULARY_SIZE = 3862  # of the 2018 and 2019 releases, whose ids the file has
EVERY_CLASS = "all"

_LOGGER = logging.getLogger(__name__)


def classes_to_list(choice: str, num_classes: int) -> np.ndarray | None:
    """The class ids that a submission of segments lists, ascending; `None` for every class.

    Args:
        choice: the value of `--segment_label_ids_file`: `all`, a CSV as in `read_label_ids`, or
            nothing: the 1,000 classes that the 2019 challenge rates where the model has the
            classes of YouTube-8M, otherwise every class, with a warning.
        num_classes: the classes of the model.

    Raises:
        ValueError, OSError: as from `read_label_ids`.
    """
    if choice == EVERY_CLASS:
        return None
    if not choice and num_classes != VOCABULARY_SIZE:
        _LOGGER.warning(
            "the rated classes of the 2019 challenge are among the %s of YouTube-8M, and the model "
            "has %s: every class is written; --segment_label_ids_file=FILE lists others, "
            "--segment_label_ids_file=%s says that every class is wanted",
            f"{VOCABULARY_SIZE:,}",
            f"{num_classes:,}",
            EVERY_CLASS,
        )
        return None
    return read_label_ids(choice or str(RATED_CLASSES_FILE), num_classes)


def read_label_ids(path: str, num_classes: int) -> np.ndarray:
    """The class ids in the first column of a CSV, ascending; its first line may be a header.

    Raises:
        ValueError: a line is not a class id, or is beyond the model's classes; or there is none.
        OSError: the file cannot be read.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, ValueError) as error:
        raise OSError(f"--segment_label_ids_file={error}") from None
    ids = set()
    for number, line in enumerate(lines, start=1):
        entry = line.split(",")[0].strip()
        if not entry or (number == 1 and not entry.isdecimal()):
            continue
        if not entry.isdecimal() or int(entry) >= num_classes:
            raise ValueError(
                f"--segment_label_ids_file={path}, line {number}: must be a class id from 0 to "
                f"{num_classes - 1}, as the model has {num_classes} classes; received {line!r}"
            )
        ids.add(int(entry))
    if not ids:
        raise ValueError(f"--segment_label_ids_file={path}: lists no class")
    return np.array(sorted(ids), dtype=np.int32)
