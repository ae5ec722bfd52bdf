"""Deep smoothed Gaussian mixture model (DSGMM) pooling."""

import keras
from keras import ops

from yt8m_models.layers.cluster_pooling import ClusterPooling


@keras.saving.register_keras_serializable(package="yt8m_models")
class DSGMM(ClusterPooling):
    """Each cluster's mean over the video, smoothed towards that of the universal background model.

    With `λ = n(k) / (n(k) + γ)`:

        V(k) = λ S_x(k)/n(k) + (1 - λ) μ_k = (S_x(k) + γ μ_k) / (n(k) + γ)

    A cluster that few frames reach stays near `μ_k`; one that many reach moves to their mean.
    `γ = 0` gives the mean of the frames alone, and `μ_k` where no frame reaches the cluster.

    Args:
        num_clusters: K.
        gamma: γ, the weight of `μ_k` counted in frames.
        assignment, intra_norm, final_norm, batch_norm, batch_norm_decay: as in `ClusterPooling`;
            the paper normalises each cluster and not the whole.

    Shapes and weights are those of `ClusterPooling`.

    Raises:
        ValueError: `gamma` is negative, or as in `ClusterPooling`.

    Reference: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and
    Recommendation (arXiv 2012.11673), equations 9 and 10.

    Example:
        >>> DSGMM(256, gamma=0.125)(frames, mask=mask)  # (batch, T, D) -> (batch, 256 * D)
    """

    def __init__(
        self,
        num_clusters,
        gamma=0.125,
        assignment="decoupled",
        intra_norm=True,
        final_norm=False,
        batch_norm=True,
        batch_norm_decay=0.999,
        **kwargs,
    ):
        super().__init__(
            num_clusters,
            assignment,
            intra_norm,
            final_norm,
            batch_norm,
            batch_norm_decay,
            **kwargs,
        )
        if not gamma >= 0:
            raise ValueError(f"gamma must be at least 0; received {gamma}")
        self.gamma = gamma

    def describe(self, counts, sums):
        counts = ops.expand_dims(counts, -1)
        means = ops.convert_to_tensor(self.means)
        if self.gamma > 0:
            return (sums + self.gamma * means) / (counts + self.gamma)
        reached = counts > 0
        return ops.where(reached, sums / ops.where(reached, counts, 1.0), means)

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}
