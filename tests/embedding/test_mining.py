"""Mining against a slow reference in NumPy, on whichever backend Keras runs."""

import keras
import numpy as np
import pytest
from keras import ops

from losses import TripletHingeLoss
from yt8m_models.embedding.config import MININGS
from yt8m_models.embedding.mining import mine_negatives

DETERMINISTIC = ("semi_hard", "hardest", "none")


def _embeddings(rng, *sizes):
    """Vectors of small whole numbers: their distances are exact in float32, and many are equal."""
    return [rng.integers(-2, 3, (size, 3)).astype("float32") for size in sizes]


def _reference(anchors, positives, candidates, excluded, mining):
    """The chosen candidate of each anchor, or None, one comparison after the other."""
    chosen = []
    for row, (anchor, positive) in enumerate(zip(anchors, positives, strict=True)):
        limit = np.square(anchor - positive).sum()
        best, best_distance = None, None
        furthest, furthest_distance = None, None
        for column, candidate in enumerate(candidates):
            distance = np.square(anchor - candidate).sum()
            if excluded[row, column] or (mining == "none" and column != row):
                continue
            if furthest is None or distance > furthest_distance:
                furthest, furthest_distance = column, distance
            if mining == "semi_hard" and distance <= limit:
                continue
            if best is None or distance < best_distance:
                best, best_distance = column, distance
        chosen.append(furthest if best is None and mining == "semi_hard" else best)
    return chosen


@pytest.mark.parametrize("mining", DETERMINISTIC)
@pytest.mark.parametrize("candidates", [12, 30])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_equals_the_reference(mining, candidates, share):
    rng = np.random.default_rng(0)
    anchors, positives, others = _embeddings(rng, 12, 12, candidates)
    excluded = rng.random((12, candidates)) < share
    expected = _reference(anchors, positives, others, excluded, mining)
    mined = mine_negatives(anchors, positives, others, excluded, mining)
    found = ops.convert_to_numpy(mined.found)
    negatives = ops.convert_to_numpy(mined.negatives)
    assert found.tolist() == [choice is not None for choice in expected]
    assert negatives[found].tolist() == [choice for choice in expected if choice is not None]
    assert not excluded[found, negatives[found]].any()
    np.testing.assert_array_equal(
        ops.convert_to_numpy(mined.positive_distances), np.square(anchors - positives).sum(axis=1)
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(mined.negative_distances),
        np.square(anchors - others[negatives]).sum(axis=1),
    )


def test_choices_by_hand():
    """An anchor at 0 on a line, its positive at 2 and candidates at 1, 3, 3, -1 and 5."""
    line = [[0.0]], [[2.0]], [[1.0], [3.0], [3.0], [-1.0], [5.0]]

    def choice(mining, *excluded):
        mask = np.isin(np.arange(5), excluded)[None]
        return int(mine_negatives(*line, mask, mining).negatives[0])

    assert choice("hardest") == 0  # as near as 3, which comes later
    assert choice("hardest", 0) == 3
    assert choice("semi_hard") == 1  # as near as 2, which comes later
    assert choice("semi_hard", 1) == 2
    assert choice("semi_hard", 1, 2) == 4
    assert choice("semi_hard", 1, 2, 4) == 0  # none is further: the furthest, the first of two
    assert choice("semi_hard", 0, 1, 2, 4) == 3


def test_a_candidate_as_far_as_the_positive_is_not_semi_hard():
    mined = mine_negatives([[0.0]], [[2.0]], [[-2.0], [3.0]], [[False, False]], "semi_hard")
    assert int(mined.negatives[0]) == 1


def test_random_draws_each_allowed_candidate_equally():
    anchors = np.zeros((2000, 1), "float32")
    candidates = np.zeros((8, 1), "float32")
    excluded = np.tile(np.array([1, 0, 0, 1, 0, 1, 0, 0], bool), (2000, 1))
    excluded[-1] = True
    seed = keras.random.SeedGenerator(5)
    mined = mine_negatives(anchors, anchors, candidates, excluded, "random", seed)
    assert ops.convert_to_numpy(mined.found).tolist() == [True] * 1999 + [False]
    counts = np.bincount(ops.convert_to_numpy(mined.negatives)[:-1], minlength=8)
    assert not counts[[0, 3, 5]].any()
    # 1999 draws of 5: 400 each, with a deviation of √(1999 · 0.2 · 0.8) = 17.9.
    assert np.abs(counts[[1, 2, 4, 6, 7]] - 399.8).max() < 4 * 17.9


def test_random_draws_follow_from_the_seed():
    rng = np.random.default_rng(0)
    anchors, positives, candidates = _embeddings(rng, 40, 40, 50)
    excluded = rng.random((40, 50)) < 0.3

    def draw(seed):
        mined = mine_negatives(anchors, positives, candidates, excluded, "random", seed)
        return ops.convert_to_numpy(mined.negatives).tolist()

    seed = keras.random.SeedGenerator(3)
    state = ops.convert_to_numpy(seed.state.value).copy()
    first, second = draw(seed), draw(seed)
    assert first != second
    seed.state.assign(state)
    assert draw(seed) == first
    assert draw(3) == draw(3) != draw(4)


@pytest.mark.parametrize("mining", MININGS)
def test_gradients_are_those_of_the_chosen(mining, input_gradients):
    """They flow through the distances to the chosen candidates, and not through the choice."""
    rng = np.random.default_rng(1)
    anchors, positives, candidates = (rng.normal(size=(6, 4)).astype("float32") for _ in range(3))
    excluded = np.eye(6, k=2, dtype=bool)
    excluded[3] = True

    def value(*embeddings):
        mined = mine_negatives(*embeddings, excluded, mining, seed=1)
        return TripletHingeLoss(3.0)(
            mined.positive_distances, mined.negative_distances, mask=mined.found
        )

    received = input_gradients(value, anchors, positives, candidates)
    mined = mine_negatives(anchors, positives, candidates, excluded, mining, seed=1)
    negatives, found = (ops.convert_to_numpy(part) for part in (mined.negatives, mined.found))
    assert found.sum() == 5
    expected = np.zeros((3, 6, 4))
    for row in np.flatnonzero(found):
        a, p, n = anchors[row], positives[row], candidates[negatives[row]]
        if np.square(a - p).sum() - np.square(a - n).sum() + 3 > 0:  # else the hinge is flat
            expected[0, row] += 2 * (n - p) / 5
            expected[1, row] += 2 * (p - a) / 5
            expected[2, negatives[row]] += 2 * (a - n) / 5
    assert np.abs(expected).max() > 0
    for gradient, reference in zip(received, expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=1e-4, atol=1e-5)


def test_long_embeddings_of_length_1():
    """The matrix product rounds: a choice is at most that much worse than the best in float64."""
    rng = np.random.default_rng(4)
    arrays = [rng.normal(size=(size, 256)) for size in (40, 40, 200)]
    arrays = [array / np.linalg.norm(array, axis=1, keepdims=True) for array in arrays]
    anchors, positives, candidates = arrays
    excluded = rng.random((40, 200)) < 0.2
    distances = np.square(anchors[:, None] - candidates).sum(axis=2)
    limits = np.square(anchors - positives).sum(axis=1, keepdims=True)
    best = {
        "hardest": np.where(excluded, np.inf, distances).min(axis=1),
        "semi_hard": np.where(excluded | (distances <= limits), np.inf, distances).min(axis=1),
    }
    arrays = [array.astype("float32") for array in arrays]
    for mining, expected in best.items():
        assert np.isfinite(expected).all()
        mined = mine_negatives(*arrays, excluded, mining)
        received = ops.convert_to_numpy(mined.negative_distances)
        np.testing.assert_allclose(received, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("mining", MININGS)
def test_compiles(mining):
    """To the same choices; but a compiler may draw other random numbers."""
    rng = np.random.default_rng(2)
    arrays = [*_embeddings(rng, 9, 9, 20), rng.random((9, 20)) < 0.5]

    def mine(anchors, positives, candidates, excluded):
        return tuple(mine_negatives(anchors, positives, candidates, excluded, mining, seed=1))

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(mine, jit_compile=True)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(mine)
    else:
        pytest.skip(f"no compiler is tested for {keras.backend.backend()}")
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    mined, expected = compiled(*tensors), mine(*tensors)
    if mining == "random":
        negatives, found = (ops.convert_to_numpy(part) for part in mined[2:])
        np.testing.assert_array_equal(found, ~arrays[3][np.arange(9), negatives])
        assert found.all()
        expected = compiled(*tensors)
    for part, reference in zip(mined, expected, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(part), ops.convert_to_numpy(reference))


def test_reduced_precision_is_compared_in_float32():
    rng = np.random.default_rng(3)
    arrays = _embeddings(rng, 9, 9, 20)
    excluded = rng.random((9, 20)) < 0.5
    reduced = [ops.cast(array, "bfloat16") for array in arrays]
    received, expected = (
        mine_negatives(*embeddings, excluded, "semi_hard") for embeddings in (reduced, arrays)
    )
    assert keras.backend.standardize_dtype(received.negative_distances.dtype) == "float32"
    for part, reference in zip(received, expected, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(part), ops.convert_to_numpy(reference))


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 3), (5, 3), (6, 3), (4, 6)),
        ((4, 3), (4, 2), (6, 3), (4, 6)),
        ((4, 3), (4, 3), (6, 2), (4, 6)),
        ((4, 3), (4, 3), (6, 3), (4, 5)),
        ((4, 3), (4, 3), (6, 3), (5, 6)),
        ((4, 3), (4, 3), (6, 3), (4,)),
        ((4,), (4,), (6,), (4, 6)),
    ],
)
def test_refuses_other_shapes(shapes):
    with pytest.raises(ValueError, match=r"anchors and positives must .* received \(4,"):
        mine_negatives(*(np.zeros(shape, "float32") for shape in shapes))


def test_refuses_arguments():
    vectors, excluded = np.zeros((2, 3), "float32"), np.zeros((2, 2), bool)
    with pytest.raises(ValueError, match=r"mining must be one of random, .* received 'soft'"):
        mine_negatives(vectors, vectors, vectors, excluded, "soft")
    with pytest.raises(ValueError, match="mining random needs a seed; received None"):
        mine_negatives(vectors, vectors, vectors, excluded, "random")
    with pytest.raises(ValueError, match="received 1 candidates and 2 anchors"):
        mine_negatives(vectors, vectors, vectors[:1], excluded[:, :1], "none")


@pytest.mark.parametrize("mining", MININGS)
def test_parts_of_a_batch_choose_what_the_whole_does(mining):
    rng = np.random.default_rng(7)
    anchors, positives, negatives = rng.normal(size=(3, 9, 4)).astype(np.float32)
    excluded = rng.random((9, 9)) < 0.3
    whole = mine_negatives(anchors, positives, negatives, excluded, mining, seed=5)
    for start, end in ((0, 4), (4, 9)):
        rows = slice(start, end)
        part = mine_negatives(
            *(anchors[rows], positives[rows], negatives, excluded[rows], mining),
            seed=5,
            first=start,
        )
        for name, values in whole._asdict().items():
            expected = ops.convert_to_numpy(values)[rows]
            received = ops.convert_to_numpy(getattr(part, name))
            np.testing.assert_allclose(received, expected, rtol=1e-6, err_msg=name)
