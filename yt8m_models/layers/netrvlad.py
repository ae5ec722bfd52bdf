"""NetRVLAD pooling."""

import keras

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics


@keras.saving.register_keras_serializable(package="yt8m_models")
class NetRVLAD(ClusterPooling):
    """Sums of each cluster's frames, without means: `V(k) = Σ_t P(k|x_t) x_t = S_x(k)`.

    Arguments, shapes and errors are those of `ClusterPooling`. There are `means` with coupled
    assignments only. WILLOW's programs call this layer LightVLAD.

    Reference: Miech et al., Learnable pooling with Context Gating for video classification (arXiv
    1706.06905), section 3.2.

    Example:
        >>> NetRVLAD(64)(frames, mask=mask)  # (batch, T, D) -> (batch, 64 * D)
    """

    def describe(self, statistics: FrameStatistics) -> Tensor:
        return statistics.sums
