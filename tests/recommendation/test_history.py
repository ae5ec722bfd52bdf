"""Mean and max aggregation over watch histories, and the filters of histories."""

import numpy as np
import pytest

from yt8m_models.recommendation import history
from yt8m_models.recommendation.history import kept_ratings, max_scores, mean_vectors, users_without


def mean_scores(history, candidates):
    """By averaging first, with `mean_vectors`."""
    return candidates @ mean_vectors(history, np.array([0, len(history)]))[0]


def _unit(rng, count, size=6):
    vectors = rng.normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("num_watched", [1, 2, 17])
def test_averaging_first_equals_the_mean_of_all_products(num_watched):
    rng = np.random.default_rng(0)
    watched, candidates = _unit(rng, num_watched), _unit(rng, 40)
    products = [[float(h @ v) for h in watched] for v in candidates]
    np.testing.assert_allclose(
        mean_scores(watched, candidates), np.mean(products, axis=1), atol=1e-6
    )
    np.testing.assert_allclose(max_scores(watched, candidates), np.max(products, axis=1), atol=1e-6)


def test_by_hand():
    watched = np.array([[1.0, 0.0], [0.6, 0.8]])
    candidates = np.array([[0.0, 1.0], [0.8, 0.6]])
    # products with (0, 1): 0 and 0.8; with (0.8, 0.6): 0.8 and 0.48 + 0.48 = 0.96
    np.testing.assert_allclose(mean_scores(watched, candidates), [0.4, 0.88])
    np.testing.assert_allclose(max_scores(watched, candidates), [0.8, 0.96])


def test_max_scores_in_blocks_equal_those_in_one(monkeypatch):
    rng = np.random.default_rng(1)
    watched, candidates = _unit(rng, 5), _unit(rng, 23)
    at_once = max_scores(watched, candidates)
    monkeypatch.setattr(history, "_BLOCK_ELEMENTS", 15)
    np.testing.assert_allclose(max_scores(watched, candidates), at_once, atol=1e-6)


def test_means_of_several_histories():
    rng = np.random.default_rng(2)
    vectors, candidates = _unit(rng, 9), _unit(rng, 4)
    offsets = np.array([0, 1, 5, 9])
    means = mean_vectors(vectors, offsets)
    assert means.dtype == np.float32
    for user in range(3):
        expected = (candidates @ vectors[offsets[user] : offsets[user + 1]].T).mean(axis=1)
        np.testing.assert_allclose(candidates @ means[user], expected, atol=1e-6)
    assert mean_vectors(np.zeros((0, 3)), np.array([0])).shape == (0, 3)


def test_filters():
    users = np.array([0, 0, 0, 1, 1, 2])
    ratings = np.array([1.0, 3.0, 5.0, 3.3, 3.3, 4.0])
    assert kept_ratings(users, ratings).all()
    np.testing.assert_array_equal(
        kept_ratings(users, ratings, min_stars=3.3), [False, False, True, True, True, True]
    )
    # means: (1 + 3 + 5) / 3 = 3, 3.3 and 4: only the rating 5 is above its user's
    above = kept_ratings(users, ratings, above_mean=True)
    np.testing.assert_array_equal(above, [False, False, True, False, False, False])
    np.testing.assert_array_equal(users_without(users, above), [1, 2])
    both = kept_ratings(users, ratings, min_stars=5.5, above_mean=True)
    assert not both.any()


def test_equal_ratings_are_not_above_their_mean():
    users = np.zeros(10, int)
    for stars in (0.5, 3.5, 4.0):
        assert not kept_ratings(users, np.full(10, stars), above_mean=True).any()


@pytest.mark.parametrize(
    ("watched", "candidates", "message"),
    [
        (np.zeros((0, 3)), np.zeros((2, 3)), "at least one video"),
        (np.zeros((2, 3)), np.zeros((2, 4)), r"received \(2, 3\) and \(2, 4\)"),
        (np.zeros(3), np.zeros((2, 3)), r"received \(3,\)"),
    ],
)
def test_wrong_shapes(watched, candidates, message):
    with pytest.raises(ValueError, match=message):
        max_scores(watched, candidates)


def test_wrong_histories():
    with pytest.raises(ValueError, match="user 1 has none"):
        mean_vectors(np.zeros((2, 3)), np.array([0, 1, 1, 2]))
    with pytest.raises(ValueError, match="from 0 to 2"):
        mean_vectors(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(ValueError, match="number 1 is nan"):
        kept_ratings(np.zeros(2, int), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="one shape"):
        kept_ratings(np.zeros(2, int), np.ones(3))
