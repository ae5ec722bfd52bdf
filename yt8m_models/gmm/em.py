"""Expectation maximisation for a Gaussian mixture whose clusters share one covariance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.gmm.moments import Moments
from yt8m_models.gmm.ubm import UBM, apply_inverse

EMPTY_COUNT = 1.0
_TINY = 10 * np.finfo(np.float64).eps


class ExpectationMaximization:
    """EM for one mixture: feed a pass over the frames to `expect`, then call `maximize`.

    With `r_nk = P(k|x_n)`, `n_k = Σ_n r_nk` and N frames, an iteration is

        w_k = n_k / N,  μ_k = Σ_n r_nk x_n / n_k,  Σ = (Σ_n x_n x_nᵀ - Σ_k n_k μ_k μ_kᵀ) / N

    where `Σ_n x_n x_nᵀ` never changes (`Moments`) and the posteriors are linear in the frame
    (`UBM`), so that a pass is one N x K product each way. The eigenvalues of Σ are raised to
    `covariance_floor`, which is the maximum under that bound, so the log-likelihood never falls.
    (scikit-learn adds its `reg_covar` instead.)

    A cluster with less than one frame's worth of posteriors is reseeded with the frame of a sample
    that the mixture explains worst. Should the log-likelihood fall by that, the iteration is taken
    back and goes on without reseeding, as it does where clusters are empty again at once and not
    fewer; should it fall by rounding, the EM has converged.

    Args:
        ubm: the start; the form of its covariance stays.
        moments: of all frames.
        covariance_floor: least eigenvalue of Σ.
        tolerance: a smaller gain of log-likelihood per frame ends it.

    Attributes:
        ubm: the mixture that the next pass starts from.
        history: log-likelihood per frame of the mixture that each iteration started from.
        converged: whether more passes change nothing that matters.
        safe: the mixture to fall back on while reseeded clusters are on trial; otherwise `None`.
        reseeds: whether empty clusters are still reseeded.
    """

    def __init__(
        self, ubm: UBM, moments: Moments, covariance_floor: float = 1e-6, tolerance: float = 1e-3
    ) -> None:
        self.ubm = ubm
        self.moments = moments
        self.covariance_floor = covariance_floor
        self.tolerance = tolerance
        self.history: list[float] = []
        self.converged = False
        self.safe: UBM | None = None
        self.reseeds = True
        self._num_empty = len(ubm.weights)  # the latest time that clusters were reseeded
        self._previous = ubm
        self._gain = np.inf  # of log-likelihood, in the latest iteration
        self._start_pass()

    @property
    def result(self) -> UBM:
        """The best mixture so far; its log-likelihood is at least the latest of `history`."""
        return self.ubm if self.safe is None else self.safe

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, np.ndarray],
        moments: Moments,
        covariance_floor: float,
        tolerance: float,
    ) -> "ExpectationMaximization":
        """The EM that `state` describes, between two iterations.

        One that had converged by a greater `tolerance` goes on.
        """
        mixture = cls(_read_ubm(state, "ubm"), moments, covariance_floor, tolerance)
        mixture.history = state["history"].tolist()
        mixture.reseeds = bool(state["reseeds"])
        mixture._num_empty = int(state["num_empty"])
        mixture._previous = _read_ubm(state, "previous")
        if "safe/weights" in state:
            mixture.safe = _read_ubm(state, "safe")
        mixture._gain = float(state["gain"])
        mixture.converged = mixture._gain < tolerance
        return mixture

    def state(self) -> dict[str, Any]:
        """Arrays from which `from_state` goes on."""
        state = {
            "history": np.array(self.history),
            "gain": self._gain,
            "reseeds": self.reseeds,
            "num_empty": self._num_empty,
        }
        for name, ubm in (("ubm", self.ubm), ("previous", self._previous), ("safe", self.safe)):
            if ubm is not None:
                state |= {f"{name}/{key}": array for key, array in vars(ubm).items()}
        return state

    def expect(self, frames: np.ndarray | tf.Tensor) -> None:
        """Adds the statistics of frames, float32 `(n, D)`."""
        log_sum, counts, sums = _expect(frames, *self._projection)
        self._log_sum += float(log_sum)
        self._counts += counts.numpy()
        self._sums += sums.numpy()

    def maximize(self, sample: np.ndarray, may_reseed: bool = True) -> None:
        """Ends a pass: notes its log-likelihood and sets the next mixture.

        Args:
            sample: frames `(n, D)` to reseed empty clusters with.
            may_reseed: false in the last iteration, after which nothing would be tried.
        """
        log_likelihood = self._log_likelihood()
        if self.history and log_likelihood < self.history[-1]:
            self._take_back()
        else:
            if self.history:
                self._gain = log_likelihood - self.history[-1]
            self.history.append(log_likelihood)
            self.converged = self._gain < self.tolerance
            empty = np.flatnonzero(self._counts < EMPTY_COUNT)
            if self.safe is not None and len(empty) >= self._num_empty:
                self.reseeds = False
            self._previous, self.safe, self.ubm = self.ubm, None, self._maximum()
            if len(empty) and may_reseed and self.reseeds and not self.converged:
                self._num_empty = len(empty)
                self.safe = self.ubm
                self.ubm = reseeded(self.ubm, empty, sample, self.moments.count)
        self._start_pass()

    def _take_back(self) -> None:
        if self.safe is not None:
            self.ubm, self.safe, self.reseeds = self.safe, None, False
        else:
            self.ubm, self.converged = self._previous, True
            self._gain = -np.inf

    def _start_pass(self) -> None:
        shift = self.moments.shift
        shifted = UBM(self.ubm.weights, self.ubm.means - shift, self.ubm.covariance)
        u, b = shifted.assignment()
        self._projection = tf.constant(shift), tf.constant(u.T), tf.constant(b)
        self._log_sum = 0.0
        self._counts = np.zeros(b.shape)
        self._sums = np.zeros(u.shape)

    def _log_likelihood(self) -> float:
        """Per frame, of the mixture that the pass was made with."""
        squares, covariance = self.moments.squares, self.ubm.covariance
        if squares.ndim == 2:
            mahalanobis = np.trace(apply_inverse(covariance, squares))
        else:
            mahalanobis = np.sum(squares / covariance)
        mean = (self._log_sum - 0.5 * mahalanobis) / self.moments.count
        return float(mean + self.ubm.log_normalizer())

    def _maximum(self) -> UBM:
        shift, count = self.moments.shift.astype(np.float64), self.moments.count
        counts = self._counts + _TINY
        means = (self._sums + _TINY * (self.ubm.means - shift)) / counts[:, None]
        if self.moments.squares.ndim == 2:
            within = self.moments.squares - (means.T * counts) @ means
        else:
            within = self.moments.squares - counts @ np.square(means)
        if self.ubm.covariance.ndim == 0:
            within = np.asarray(np.mean(within))
        covariance = floored(within / count, self.covariance_floor)
        return UBM(counts / counts.sum(), means + shift, covariance)


def floored(covariance: np.ndarray, floor: float) -> np.ndarray:
    """The covariance, of any of the three shapes, with eigenvalues of at least `floor`."""
    if covariance.ndim < 2:
        return np.maximum(covariance, floor)
    covariance = (covariance + covariance.T) / 2
    try:
        np.linalg.cholesky(covariance - floor * np.eye(len(covariance)))
        return covariance
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return (vectors * np.maximum(values, floor)) @ vectors.T


def reseeded(ubm: UBM, empty: np.ndarray, sample: np.ndarray, num_frames: int) -> UBM:
    """The mixture with each cluster of `empty` at one of the sample's least likely frames.

    Each gets the weight of one frame of all.
    """
    empty = empty[: len(sample)]
    worst = np.argsort(ubm.log_density(sample), kind="stable")[: len(empty)]
    means, weights = ubm.means.copy(), ubm.weights.copy()
    means[empty] = sample[worst]
    weights[empty] = 1 / num_frames
    return UBM(weights / weights.sum(), means, ubm.covariance)


def _read_ubm(state: Mapping[str, np.ndarray], name: str) -> UBM:
    return UBM(state[f"{name}/weights"], state[f"{name}/means"], state[f"{name}/covariance"])


@tf.function(reduce_retracing=True, autograph=False)
def _expect(frames, shift, kernel, bias):
    """`Σ_n ln Σ_k exp(u_k·x_n + b_k)`, counts `(K,)` and sums `(K, D)` of shifted frames.

    Logits are float64: `u` is as large as Σ is small in some direction, and its rounding to float32
    would be an error that all frames share.
    """
    frames = frames - shift
    logits = tf.matmul(tf.cast(frames, tf.float64), kernel) + bias
    largest = tf.reduce_max(logits, axis=1, keepdims=True)
    exponentials = tf.exp(tf.cast(logits - largest, tf.float32))
    totals = tf.reduce_sum(tf.cast(exponentials, tf.float64), axis=1, keepdims=True)
    posteriors = exponentials / tf.cast(totals, tf.float32)
    counts = tf.reduce_sum(tf.cast(posteriors, tf.float64), axis=0)
    sums = tf.matmul(posteriors, frames, transpose_a=True)
    return tf.reduce_sum(largest + tf.math.log(totals)), counts, tf.cast(sums, tf.float64)
