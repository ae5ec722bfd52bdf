"""The best classes of videos, as TensorFlow's `top_k` has them."""

import numpy as np


def best_classes(
    predictions: np.ndarray, top_k: int, among: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Class ids, best first, int `(batch, k)`, and their scores; the lower of equal ones first.

    Args:
        predictions: `(batch, num_classes)`.
        top_k: how many; all where there are fewer.
        among: the class ids to take them from, ascending; all classes unless given.
    """
    if among is not None:
        places, scores = best_classes(predictions[:, among], top_k)
        return among[places], scores
    batch, num_classes = predictions.shape
    k = min(top_k, num_classes)
    least = np.partition(predictions, num_classes - k, axis=1)[:, num_classes - k]
    classes = np.empty((batch, k), np.int64)
    for row, values in enumerate(predictions):
        candidates = np.flatnonzero(values >= least[row])
        classes[row] = candidates[np.argsort(-values[candidates], kind="stable")[:k]]
    return classes, np.take_along_axis(predictions, classes, axis=1)
