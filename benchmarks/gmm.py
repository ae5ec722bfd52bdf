"""An iteration of EM for the UBM against scikit-learn's, from the same start on the same frames."""

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure
from benchmarks.timing import seconds_of
from yt8m_models.gmm.em import ExpectationMaximization
from yt8m_models.gmm.moments import Moments
from yt8m_models.gmm.ubm import UBM
from yt8m_models.program.extras import require

_NUM_FRAMES = 200_000
_NUM_FEATURES = 128
_NUM_CLUSTERS = 64
_BLOCK = 8192
_ITERATIONS = 3


def figures(workdir: Path) -> list[Figure]:
    """scikit-learn's seconds per iteration over ours: 200,000 frames of 128 dimensions, K = 64.

    Both have one full covariance for all clusters and get float32 frames, with which scikit-learn
    is faster than with float64. An iteration is one pass and the parameters that follow from it.

    Raises:
        ValueError: scikit-learn is not installed, or the two disagree on the log-likelihood, so
            that a comparison of their speed would mean nothing.
    """
    frames, start = _mixture()
    expected, theirs = _scikit_learn(frames, start)
    received, ours = _ours(frames, start)
    if not np.allclose(received, expected, atol=1e-3):
        raise ValueError(f"log-likelihoods are {received}, and {expected} by scikit-learn")
    seconds, their_seconds = statistics.median(ours), statistics.median(theirs)
    name = "iteration of EM with a shared covariance, over scikit-learn"
    detail = {"seconds": seconds, "scikit_learn_seconds": their_seconds}
    return [Figure(name, their_seconds / seconds, bound=3.0, detail=detail)]


def _mixture() -> tuple[np.ndarray, UBM]:
    """Frames of overlapping clusters, and a start at some of them."""
    rng = np.random.default_rng(0)
    means = 0.4 * rng.normal(size=(_NUM_CLUSTERS, _NUM_FEATURES))
    frames = rng.normal(size=(_NUM_FRAMES, _NUM_FEATURES))
    frames += means[rng.integers(_NUM_CLUSTERS, size=_NUM_FRAMES)]
    frames = frames.astype(np.float32)
    weights = np.full(_NUM_CLUSTERS, 1 / _NUM_CLUSTERS)
    return frames, UBM(weights, frames[:_NUM_CLUSTERS], np.cov(frames.T))


def _scikit_learn(frames: np.ndarray, start: UBM) -> tuple[list[float], list[float]]:
    """Log-likelihood per frame, and seconds, of each iteration."""

    class Timed(require("sklearn.mixture").GaussianMixture):  # type: ignore[misc]
        """Notes when each pass begins."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.starts: list[float] = []

        def _e_step(self, *arguments: Any, **options: Any) -> Any:  # versions differ in them
            self.starts.append(time.perf_counter())
            return super()._e_step(*arguments, **options)

    mixture = Timed(
        n_components=_NUM_CLUSTERS,
        covariance_type="tied",
        tol=0,
        reg_covar=0,
        max_iter=_ITERATIONS,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariance),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge
        mixture.fit(frames)
    return list(mixture.lower_bounds_), np.diff(mixture.starts).tolist()


def _ours(frames: np.ndarray, start: UBM) -> tuple[list[float], list[float]]:
    """The same of this project's EM; the pass that sums the moments is not counted as one."""
    blocks = [frames[first : first + _BLOCK] for first in range(0, len(frames), _BLOCK)]
    moments = Moments(blocks[0].mean(axis=0), full=True)
    for block in blocks:
        moments.add(block)
    em = ExpectationMaximization(start, moments, tolerance=0)
    em.expect(blocks[0][:1])  # traces the graph
    em = ExpectationMaximization(start, moments, tolerance=0)

    def iterate() -> None:
        for block in blocks:
            em.expect(block)
        em.maximize(blocks[0])

    seconds = [seconds_of(iterate) for _ in range(_ITERATIONS)]
    return em.history, seconds
