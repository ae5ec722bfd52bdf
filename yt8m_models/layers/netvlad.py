"""NetVLAD pooling."""

import keras

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics


@keras.saving.register_keras_serializable(package="yt8m_models")
class NetVLAD(ClusterPooling):
    """Sums of each cluster's residuals: `V(k) = Σ_t P(k|x_t) (x_t - μ_k) = S_x(k) - n(k) μ_k`.

    Arguments, shapes, weights and errors are those of `ClusterPooling`.

    Reference: Arandjelović et al. (arXiv 1511.07247), equation 4; Miech et al. (arXiv 1706.06905).

    Example:
        >>> NetVLAD(64)(frames, mask=mask)  # (batch, T, D) -> (batch, 64 * D)
    """

    describes_by_means = True

    def describe(self, statistics: FrameStatistics) -> Tensor:
        return statistics.residuals(self.means)
