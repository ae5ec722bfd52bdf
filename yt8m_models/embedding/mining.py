"""Mining of negatives among the videos of a batch."""

from typing import Any, NamedTuple

import keras
from keras import ops

from yt8m_models.embedding.config import MININGS


class MinedTriplets(NamedTuple):
    """Each anchor's distances to its positive and to the negative that was chosen for it.

    Attributes:
        positive_distances: squared, float32 `(batch,)`.
        negative_distances: squared, float32 `(batch,)`.
        negatives: which candidates were chosen, int32 `(batch,)`.
        found: bool `(batch,)`, false where no candidate is allowed; the choice means nothing there,
            and the loss is to leave the triplet out (`mask=found`).
    """

    positive_distances: Any
    negative_distances: Any
    negatives: Any
    found: Any


def mine_negatives(
    anchors: Any,
    positives: Any,
    candidates: Any,
    excluded: Any,
    mining: str = "semi_hard",
    seed: int | keras.random.SeedGenerator | None = None,
    first: Any = None,
) -> MinedTriplets:
    """Chooses a negative for each anchor among candidates, such as the negatives of the batch.

    With the squared distances `d(c) = |a - c|²` of an anchor and the candidates that are allowed to
    it, the negative is

        random      any, all equally likely
        hardest     the nearest: argmin d(c)
        semi_hard   the nearest that is further than the positive: argmin d(c) with d(c) > d(p).
                    Where none is further, the furthest, argmax d(c): the nearest would pull
                    embeddings together until all are one.
        none        candidate i for anchor i: the triplet's own

    Of candidates at the same distance, the one with the lowest index.

    Candidates are compared by distances from one matrix product, `|a|² - 2 a·c + |c|²` in float32
    (a GPU may multiply in lower precision), and no gradient flows through the comparison. The
    distances that are returned are sums of squared differences, and gradients flow through them to
    the anchor, the positive and the chosen candidate. All shapes are static, so that XLA compiles
    it with the model.

    Args:
        anchors, positives: embeddings `(batch, size)`, of length 1 or not.
        candidates: embeddings `(n, size)`; at least as many as anchors if `mining` is `none`.
        excluded: bool `(batch, n)`, true where a candidate must not be the negative of an anchor:
            it is the anchor itself, or a neighbour of it.
        mining: one of `MININGS`.
        seed: what `random` draws from, which needs it: a `SeedGenerator`, which each call advances
            and whose state a resumed training sets, or an int, which draws the same in each call.
            The numbers that XLA draws differ from those of TensorFlow without it.
        first: where the anchors are a part of a batch, and the candidates the negatives of all of
            it, the number of the first anchor: what is chosen is what is chosen in the whole.

    Raises:
        ValueError: `mining` is not known, `random` has no seed, or shapes do not fit.

    Reference: Schroff et al., FaceNet (arXiv 1503.03832), section 3.2; Lee et al., Collaborative
    Deep Metric Learning for Video Understanding (KDD 2018).

    Example:
        >>> mined = mine_negatives(anchors, positives, negatives, excluded)
        >>> loss(mined.positive_distances, mined.negative_distances, mask=mined.found)
    """
    anchors, positives, candidates = (
        ops.cast(ops.convert_to_tensor(embeddings), "float32")
        for embeddings in (anchors, positives, candidates)
    )
    allowed = ops.logical_not(ops.cast(ops.convert_to_tensor(excluded), "bool"))
    _check_shapes(anchors, positives, candidates, allowed, mining)
    positive_distances = _squared_distances(anchors, positives)
    if mining == "none":
        negatives = ops.arange(ops.shape(anchors)[0], dtype="int32")
        if first is not None:
            negatives = negatives + first
    elif mining == "random":
        if seed is None:
            raise ValueError("mining random needs a seed; received None")
        shape = ops.shape(allowed)
        whole = shape if first is None else (shape[1], shape[1])
        draws = keras.random.uniform(whole, dtype="float32", seed=seed)
        if first is not None:
            draws = ops.slice(draws, (first, 0), shape)
        negatives = _first_least(draws, allowed)
    elif mining in ("hardest", "semi_hard"):
        distances = _distance_matrix(ops.stop_gradient(anchors), ops.stop_gradient(candidates))
        if mining == "hardest":
            negatives = _first_least(distances, allowed)
        else:
            limits = ops.stop_gradient(positive_distances)
            negatives = _semi_hard(distances, allowed, limits)
    else:
        raise ValueError(f"mining must be one of {', '.join(MININGS)}; received {mining!r}")
    chosen = ops.take(candidates, negatives, axis=0)
    return MinedTriplets(
        positive_distances, _squared_distances(anchors, chosen), negatives, _at(allowed, negatives)
    )


def _semi_hard(distances, allowed, limits):
    """The nearest candidates beyond the limits `(batch,)`, or the furthest where none is."""
    further = ops.logical_and(allowed, distances > ops.expand_dims(limits, 1))
    nearest = _first_least(distances, further)
    furthest = _first_least(-distances, allowed)
    return ops.where(_at(further, nearest), nearest, furthest)


def _first_least(values, allowed):
    """The first column of the least value among those allowed in each row; 0 where none is."""
    return ops.cast(ops.argmin(ops.where(allowed, values, float("inf")), axis=1), "int32")


def _at(matrix, columns):
    """The value at one column of each row, `(batch, n)` and `(batch,)` to `(batch,)`."""
    return ops.squeeze(ops.take_along_axis(matrix, ops.expand_dims(columns, 1), axis=1), axis=1)


def _squared_distances(left, right):
    return ops.sum(ops.square(left - right), axis=1)


def _distance_matrix(left, right):
    """Squared distances of all rows of both, `(batch, n)`."""
    return (
        ops.sum(ops.square(left), axis=1, keepdims=True)
        - 2 * ops.matmul(left, ops.transpose(right))
        + ops.sum(ops.square(right), axis=1)
    )


def _check_shapes(anchors, positives, candidates, allowed, mining):
    """Raises a `ValueError` unless the shapes fit, as far as they are known."""
    shapes = [tuple(tensor.shape) for tensor in (anchors, positives, candidates, allowed)]
    fit = all(len(shape) == 2 for shape in shapes)
    if fit:
        (batch, size), (others, other_size), (n, candidate_size), (rows, columns) = shapes
        fit = all(
            len({*sizes} - {None}) <= 1
            for sizes in ((batch, others, rows), (size, other_size, candidate_size), (n, columns))
        )
    if not fit:
        raise ValueError(
            "anchors and positives must have the shape (batch, size), candidates (n, size) and "
            f"excluded (batch, n); received {', '.join(map(str, shapes))}"
        )
    if mining == "none" and None not in (batch, n) and n < batch:
        raise ValueError(
            f"mining none needs a candidate for each anchor; received {n} candidates and {batch} "
            "anchors"
        )
