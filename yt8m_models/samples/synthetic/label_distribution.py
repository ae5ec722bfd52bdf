"""How frequent the classes are, and the labels of a video."""

import io

import numpy as np
import pandas as pd

from yt8m_models.storage.text_file import read_text

# Labels beyond a video's first are negative binomial, with the mean and about the spread of the
# 2018 release: 3.0 labels a video, 22 % of the videos with one label, 1 % with ten or more.
_LABELS_SHAPE, _MEAN_FURTHER_LABELS = 3.0, 2.0


def zipf(num_classes: int) -> np.ndarray:
    """Zipf's law: the class of rank r has weight 1 / r, as float64 `(num_classes,)`."""
    return 1.0 / np.arange(1, num_classes + 1)


def from_vocabulary(path: str, num_classes: int) -> np.ndarray:
    """The `TrainVideoCount` of each class in a vocabulary, as float64 `(num_classes,)`.

    Raises:
        ValueError: the file cannot be read, lacks the columns `Index` and `TrainVideoCount`, or its
            indices are not 0 to num_classes - 1.
    """
    try:
        table = pd.read_csv(io.StringIO(read_text(path)))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the vocabulary {path}: {error}") from None
    missing = {"Index", "TrainVideoCount"} - set(table.columns)
    if missing:
        raise ValueError(f"the vocabulary {path} lacks the column {' and '.join(sorted(missing))}")
    if sorted(table["Index"]) != list(range(num_classes)):
        raise ValueError(
            f"the vocabulary {path} must list the classes 0 to {num_classes - 1} once each "
            f"(--num_classes={num_classes}); it has {len(table)} rows"
        )
    counts = table.set_index("Index")["TrainVideoCount"].sort_index().to_numpy(np.float64)
    if not np.all(counts >= 0) or counts.sum() == 0:
        raise ValueError(
            f"TrainVideoCount in {path} must be at least 0, and positive for some class"
        )
    return counts


def draw_labels(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """The labels of a video: sorted, different classes, int64 `(labels,)`.

    Classes are drawn one after the other, each with a probability in proportion to its weight
    among those that are left. That is the order of independent exponential arrival times with the
    weights as rates, so one draw per class gives them all.
    """
    further = rng.negative_binomial(
        _LABELS_SHAPE, _LABELS_SHAPE / (_LABELS_SHAPE + _MEAN_FURTHER_LABELS)
    )
    num_labels = min(1 + int(further), int(np.count_nonzero(weights)))
    arrivals = np.full(len(weights), np.inf)
    np.divide(rng.exponential(size=len(weights)), weights, out=arrivals, where=weights > 0)
    return np.sort(np.argpartition(arrivals, num_labels - 1)[:num_labels])
