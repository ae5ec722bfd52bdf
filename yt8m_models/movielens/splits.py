"""Training and test ratings of each user."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.movielens.ratings import Ratings


@dataclass(frozen=True)
class Split:
    """The ratings of the users who have enough of them; others have no part in anything.

    The users are numbered anew, from 0, and the ratings of a user stand together.

    Attributes:
        ratings: all of them.
        train, test: rows of `ratings`, int64.
        train_users, test_users: the user of each of those rows.
        num_users: how many users there are.
    """

    ratings: Ratings
    train: np.ndarray
    test: np.ndarray
    train_users: np.ndarray
    test_users: np.ndarray
    num_users: int


def split_by_count(ratings: Ratings, num_train: int, min_test: int, seed: int) -> Split:
    """`num_train` ratings of each user for training, drawn at random, and the others for the test.

    Users with fewer than `num_train + min_test` ratings are left out.

    Raises:
        ValueError: no user has as many.
    """
    return _split(ratings, np.full(ratings.num_users, num_train), min_test, seed)


def split_by_fraction(ratings: Ratings, fraction: float, min_test: int, seed: int) -> Split:
    """A part of each user's ratings for training, drawn at random, and the others for the test.

    The part is rounded down, but one rating at least. Users with fewer than `min_test` test ratings
    are left out.

    Raises:
        ValueError: no user has as many.
    """
    counts = np.bincount(ratings.users, minlength=ratings.num_users)
    return _split(ratings, np.maximum((counts * fraction).astype(np.int64), 1), min_test, seed)


def _split(ratings: Ratings, num_train: np.ndarray, min_test: int, seed: int) -> Split:
    counts = np.bincount(ratings.users, minlength=ratings.num_users)
    is_kept = counts - num_train >= min_test
    if not is_kept.any():
        raise ValueError(
            f"no user has enough ratings: {num_train.min()} for training and {min_test} for the "
            f"test are needed, and the most that a user has is {counts.max(initial=0)}"
        )
    keys = np.random.default_rng(seed).random(len(ratings))
    order = np.lexsort((keys, ratings.users))
    starts = np.cumsum(counts) - counts
    users = ratings.users[order]
    is_train = np.arange(len(order)) - starts[users] < num_train[users]
    numbers = np.cumsum(is_kept) - 1
    train, test = (order[is_kept[users] & part] for part in (is_train, ~is_train))
    train_users, test_users = (numbers[ratings.users[rows]] for rows in (train, test))
    return Split(ratings, train, test, train_users, test_users, int(is_kept.sum()))
