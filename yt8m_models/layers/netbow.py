"""NetBoW pooling."""

import keras

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics


@keras.saving.register_keras_serializable(package="yt8m_models")
class NetBoW(ClusterPooling):
    """A bag of words: how many of the frames each cluster sees, `n(k) = Σ_t P(k|x_t)`.

    Arguments and errors are those of `ClusterPooling`; `intra_norm` changes nothing, as a cluster's
    description is a single number. There are `means` with coupled assignments only.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`. Output: `(batch, K)`.

    Reference: Miech et al., Learnable pooling with Context Gating for video classification (arXiv
    1706.06905), section 3.1, with posteriors as in NetVLAD.

    Example:
        >>> NetBoW(64)(frames, mask=mask)  # (batch, T, D) -> (batch, 64)
    """

    def pool(self, statistics: FrameStatistics) -> Tensor:
        return self.normalize_whole(statistics.counts)

    def output_size(self, features: int) -> int:
        return self.num_clusters
