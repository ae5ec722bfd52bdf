"""A Gaussian mixture whose clusters share one covariance."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class UBM:
    """The universal background model, `p(x) = Σ_k w_k N(x; μ_k, Σ)`.

    As all clusters share Σ, the posteriors are linear in the frame (equations 20 and 21):

        P(k|x) = softmax_k(u_k·x + b_k),  u_k = Σ⁻¹ μ_k,  b_k = ln w_k - ½ μ_kᵀ Σ⁻¹ μ_k

    Attributes:
        weights: w, float64 `(K,)`; they sum to 1.
        means: μ, float64 `(K, D)`.
        covariance: Σ, float64: `(D, D)` (`tied`), its diagonal `(D,)` (`diagonal`), or its one
            variance `()` (`spherical`).

    Raises:
        ValueError: the shapes do not fit each other.

    Reference: Kafle et al. (arXiv 2012.11673), section on unsupervised VLAD and SGMM.
    """

    weights: np.ndarray
    means: np.ndarray
    covariance: np.ndarray

    def __post_init__(self) -> None:
        for name in ("weights", "means", "covariance"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        clusters, features = self.means.shape
        if self.weights.shape != (clusters,):
            raise ValueError(
                f"weights must have shape ({clusters},), as means has shape {self.means.shape}; "
                f"received {self.weights.shape}"
            )
        if self.covariance.shape != (features,) * self.covariance.ndim or self.covariance.ndim > 2:
            raise ValueError(
                f"covariance must have shape ({features}, {features}), ({features},) or (); "
                f"received {self.covariance.shape}"
            )

    @property
    def variances(self) -> np.ndarray:
        """The diagonal of Σ, `(D,)`."""
        if self.covariance.ndim == 2:
            return np.diagonal(self.covariance).copy()
        return np.broadcast_to(self.covariance, self.means.shape[1:]).copy()

    def mixture_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variances `(D,)` of the whole mixture: of the frames that EM fitted it to."""
        mean = self.weights @ self.means
        spread = self.weights @ np.square(self.means - mean)
        return mean, self.variances + spread

    def assignment(self) -> tuple[np.ndarray, np.ndarray]:
        """`u` `(K, D)` and `b` `(K,)` of equations 20 and 21."""
        u = apply_inverse(self.covariance, self.means)
        return u, np.log(self.weights) - 0.5 * np.sum(u * self.means, axis=1)

    def posteriors(self, frames: np.ndarray) -> np.ndarray:
        """`P(k|x)`, float64 `(n, K)`, for frames `(n, D)`."""
        logits = self._logits(frames)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def log_density(self, frames: np.ndarray) -> np.ndarray:
        """`ln p(x)`, float64 `(n,)`, for frames `(n, D)`."""
        frames = np.asarray(frames, np.float64)
        logits = self._logits(frames)
        largest = logits.max(axis=1)
        log_sum = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
        squares = np.sum(frames * apply_inverse(self.covariance, frames), axis=1)
        return np.asarray(log_sum - 0.5 * squares + self.log_normalizer())

    def log_normalizer(self) -> float:
        """`-½ (D ln 2π + ln det Σ)`."""
        features = self.means.shape[1]
        if self.covariance.ndim == 2:
            log_determinant = np.linalg.slogdet(self.covariance)[1]
        else:
            log_determinant = np.sum(np.log(self.variances))
        return float(-0.5 * (features * math.log(2 * math.pi) + log_determinant))

    def _logits(self, frames: np.ndarray) -> np.ndarray:
        u, b = self.assignment()
        return np.asarray(np.asarray(frames, np.float64) @ u.T + b)


def apply_inverse(covariance: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`Σ⁻¹ x` of each row x `(n, D)`, for any of the three shapes of Σ."""
    return np.linalg.solve(covariance, rows.T).T if covariance.ndim == 2 else rows / covariance
