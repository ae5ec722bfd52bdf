"""The clusters of frames as the weights of a pooling layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.gmm.kmeans import kmeans, sums_by_label
from yt8m_models.gmm.ubm import UBM
from yt8m_models.layers import ClusterPooling
from yt8m_models.layers.coupled_assignment import COVARIANCES

_PRIOR_FRAMES = 10
_VARIANCE_FLOOR = 1e-4
_LEAST_WEIGHT = 1e-12


@dataclass(frozen=True)
class Clusters:
    """Clusters of frames, and what a batch normalisation has to know of these frames.

    Attributes:
        ubm: weights, means and a covariance that all clusters share.
        variances: of each cluster, `(K, D)`.
        frame_mean: of all frames, `(D,)`.
        frame_covariance: of all frames, `(D, D)`.
    """

    ubm: UBM
    variances: np.ndarray
    frame_mean: np.ndarray
    frame_covariance: np.ndarray

    @classmethod
    def of_sample(
        cls, frames: np.ndarray, num_clusters: int, rng: np.random.Generator
    ) -> "Clusters":
        """What k-means finds in frames `(n, D)`; the shared covariance is spherical.

        The variances of a cluster are those of its frames and of `_PRIOR_FRAMES` more with the
        variances that all clusters have in common.

        Raises:
            ValueError: there are fewer frames than clusters.
        """
        means, labels = kmeans(frames, num_clusters, rng)
        sums, counts = sums_by_label(np.square(frames - means[labels]), labels, num_clusters)
        shared = sums.sum(axis=0) / len(frames)
        shared = np.maximum(shared, _VARIANCE_FLOOR * max(shared.mean(), _LEAST_WEIGHT))
        variances = (sums + _PRIOR_FRAMES * shared) / (counts[:, None] + _PRIOR_FRAMES)
        ubm = UBM(counts / len(frames), means, np.asarray(shared.mean()))
        mean = frames.mean(axis=0, dtype=np.float64)
        centered = (frames - mean).astype(np.float64)
        return cls(ubm, variances, mean, centered.T @ centered / len(frames))

    @classmethod
    def of_ubm(cls, ubm: UBM) -> "Clusters":
        """Those of a UBM; the frames' moments are the mixture's, which EM makes equal."""
        mean, _ = ubm.mixture_moments()
        centered = ubm.means - mean
        covariance = (centered.T * ubm.weights) @ centered
        covariance += ubm.covariance if ubm.covariance.ndim == 2 else np.diag(ubm.variances)
        variances = np.broadcast_to(ubm.variances, ubm.means.shape)
        return cls(ubm, variances, mean, covariance)

    def assign_to(self, pooling: ClusterPooling, scale: float | None = None) -> None:
        """Sets the layer's weights, so that its posteriors are those of these clusters.

        A coupled assignment takes `variances`, averaged over what its σ does not depend on; a
        decoupled one is that of `ubm`. Its batch normalisation gets the moments of the frames, and
        the scale and shift that undo it: exact in inference, and in training up to the difference
        between the moments of the batch and of the frames.

        Args:
            pooling: the layer, built for D features and K clusters.
            scale: σ of all clusters instead of that of the frames.
        """
        ubm, variances = self.ubm, self.variances
        if scale is not None:
            variances = np.full_like(variances, scale**2)
            ubm = UBM(ubm.weights, ubm.means, np.asarray(scale**2))
        u, b = ubm.assignment()
        if not pooling.is_coupled and pooling.batch_norm:
            lengths = np.maximum(np.linalg.norm(u, axis=1), _LEAST_WEIGHT)
            u = u / lengths[:, None]  # as long as at a random start
            self._undo(pooling.assign.normalization, u, lengths, b)
        values = {
            "means": ubm.means,
            "mixture_logits": np.log(np.maximum(ubm.weights, _LEAST_WEIGHT)),
            "log_scales": 0.5 * np.log(_averaged(variances, ubm.weights, pooling.assignment)),
            "covariance_roots": _roots(ubm, variances),
            "covar_weights": variances**0.25,  # of NetFV, the roots of σ
            "assignment_kernel": u.T,
            "assignment_bias": b,
        }
        for weight in pooling.weights:
            if weight.name in values:
                weight.assign(values[weight.name])

    def _undo(self, batch_norm: Any, u: np.ndarray, lengths: np.ndarray, b: np.ndarray) -> None:
        """Makes `lengths · u_k·x + b_k` of a batch normalisation of `u_k·x`."""
        means = u @ self.frame_mean
        variances = np.maximum(np.sum((u @ self.frame_covariance) * u, axis=1), 0)
        batch_norm.moving_mean.assign(means)
        batch_norm.moving_variance.assign(variances)
        batch_norm.gamma.assign(lengths * np.sqrt(variances + batch_norm.epsilon))
        batch_norm.beta.assign(lengths * means + b)


def _roots(ubm: UBM, variances: np.ndarray) -> np.ndarray:
    """`A_k` with `A_k A_kᵀ = Σ_k`: of the UBM's full matrix if it has one, or the variances."""
    if ubm.covariance.ndim == 2:
        root = np.linalg.cholesky(ubm.covariance)
        return np.broadcast_to(root, (len(ubm.means), *root.shape))
    return np.sqrt(variances)[:, :, None] * np.eye(variances.shape[1])


def _averaged(variances: np.ndarray, weights: np.ndarray, assignment: str) -> np.ndarray:
    """Variances `(K, D)`, averaged over what the σ of an assignment does not depend on.

    Clusters count by their weight. A decoupled assignment has no σ; a layer's own is `(K, D)`.
    """
    by_cluster, by_feature = COVARIANCES.get(assignment, (True, True))
    if not by_cluster:
        variances = weights @ variances
    return variances if by_feature else variances.mean(axis=-1)
