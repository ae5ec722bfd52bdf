"""Fitting GLMix for many users at once, against scikit-learn for one user after the other."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.timing import timed
from yt8m_models.program.extras import require
from yt8m_models.recommendation.mixed_effects.fitting import fit
from yt8m_models.recommendation.mixed_effects.user_batches import UserBatches
from yt8m_models.recommendation.mixed_effects.user_newton import solve_users

_NUM_USERS = 20_000
_NUM_EVENTS = 20
_NUM_VIDEOS = 20_000
_SIZE = 64
_NUM_COMPARED = 500


def figures(workdir: Path) -> list[Figure]:
    """Users/s of a whole fit, and of the users' problems alone over scikit-learn's.

    20,000 users with 20 events each, 64 dimensions. scikit-learn's `LogisticRegression` solves 500
    of the users' problems by Newton's method, the fixed effect being 0; all on one thread.

    Raises:
        ValueError: the two disagree on the coefficients, so that a comparison of their speed would
            mean nothing; or scikit-learn is not installed.
    """
    vectors, offsets, rows, labels = _events()
    users = UserBatches(vectors, offsets, rows, labels)
    fitted, seconds = timed(lambda: fit(users, fixed_l2=1.0, user_l2=1.0))
    end = offsets[_NUM_COMPARED]
    batches = UserBatches(vectors, offsets[: _NUM_COMPARED + 1], rows[:end], labels[:end])
    regression = require("sklearn.linear_model").LogisticRegression(
        C=1.0, fit_intercept=False, solver="newton-cholesky", tol=1e-6
    )
    with require("threadpoolctl").threadpool_limits(1):
        received, ours = timed(lambda: _at_once(batches))
        expected, theirs = timed(lambda: _scikit_learn(regression, vectors, rows, labels))
    if not np.allclose(received, expected, atol=1e-3):
        difference = np.abs(received - expected).max()
        raise ValueError(f"coefficients differ from scikit-learn's by up to {difference:g}")
    whole = {"seconds": seconds, "rounds": len(fitted.values)}
    alone = {"seconds": ours, "scikit_learn_seconds": theirs}
    name = "GLMix, 64 dimensions and 20 events a user"
    over = "users' problems of GLMix, over scikit-learn's one by one"
    return [
        Figure(name, _NUM_USERS / seconds, unit="users/s", detail=whole),
        Figure(over, theirs / ours, bound=5.0, detail=alone),
    ]


def _events() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(_NUM_VIDEOS, _SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.arange(_NUM_USERS + 1) * _NUM_EVENTS
    rows = rng.integers(_NUM_VIDEOS, size=offsets[-1])
    tastes = (3 * rng.normal(size=(_NUM_USERS, _SIZE))).astype(np.float32)
    logits = np.sum(vectors[rows] * np.repeat(tastes, _NUM_EVENTS, axis=0), axis=1)
    logits += vectors[rows] @ (3 * rng.normal(size=_SIZE)) - 0.5
    labels = (rng.random(len(rows)) < 1 / (1 + np.exp(-logits))).astype(np.float64)
    return vectors, offsets, rows, labels


def _at_once(batches: UserBatches) -> np.ndarray:
    """The coefficients of the users compared."""
    coefficients = np.zeros((_NUM_COMPARED, 1 + _SIZE))
    for number in range(len(batches)):
        batch = batches[number]
        start = np.zeros((len(batch.users), 1 + _SIZE))
        solved = solve_users(batch, np.zeros(1 + _SIZE), start, l2=1.0, tolerance=1e-6)
        coefficients[batch.users] = solved.coefficients
    return coefficients


def _scikit_learn(
    regression: Any, vectors: np.ndarray, rows: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """The coefficients of the users compared, one problem after the other."""
    coefficients = np.zeros((_NUM_COMPARED, 1 + _SIZE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for user in range(_NUM_COMPARED):
            own = slice(user * _NUM_EVENTS, (user + 1) * _NUM_EVENTS)
            design = np.concatenate([np.ones((_NUM_EVENTS, 1)), vectors[rows[own]]], axis=1)
            coefficients[user] = regression.fit(design, labels[own]).coef_
    return coefficients
