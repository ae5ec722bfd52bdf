"""The mixture that EM starts from."""

import numpy as np

from yt8m_models.gmm.em import floored
from yt8m_models.gmm.kmeans import kmeans
from yt8m_models.gmm.ubm import UBM


def kmeans_start(
    frames: np.ndarray,
    num_clusters: int,
    covariance_type: str,
    covariance_floor: float,
    rng: np.random.Generator,
) -> UBM:
    """Weights, means and shared covariance of the clusters that k-means finds in a sample.

    Args:
        frames: the sample, float `(n, D)`.
        num_clusters: K.
        covariance_type: `tied`, `diagonal` or `spherical`.
        covariance_floor: least eigenvalue of the covariance.
        rng: the source of chance.

    Raises:
        ValueError: there are fewer frames than clusters.
    """
    means, labels = kmeans(frames, num_clusters, rng)
    weights = np.bincount(labels, minlength=num_clusters) / len(frames)
    residuals = frames - means[labels]
    if covariance_type == "tied":
        covariance = residuals.T @ residuals / len(frames)
    else:
        covariance = np.mean(np.square(residuals), axis=0)
        if covariance_type == "spherical":
            covariance = np.mean(covariance)
    return UBM(weights, means, floored(covariance, covariance_floor))
