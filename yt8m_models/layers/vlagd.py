"""VLAGD pooling."""

import keras
from keras import ops

from yt8m_models.layers.base import Shape, Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics
from yt8m_models.layers.normalization import inverse_sqrt_normal


@keras.saving.register_keras_serializable(package="yt8m_models")
class VLAGD(ClusterPooling):
    """Sums of each cluster's frames behind gates: `V(k) = sigmoid(g_k) ⊙ Σ_t P(k|x_t) x_t`.

    Arguments, shapes and errors are those of `ClusterPooling`. There are `means` with coupled
    assignments only.

    Weights: `gate_weights` `(K, D)`, the g, and those of `ClusterPooling`.

    Reference: vectors of locally aggregated gated descriptors, `--vlagd` of WILLOW's programs for
    Miech et al. (arXiv 1706.06905).

    Example:
        >>> VLAGD(64)(frames, mask=mask)  # (batch, T, D) -> (batch, 64 * D)
    """

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        features = input_shape[-1]
        self.gate_weights = self.add_weight(
            name="gate_weights",
            shape=(self.num_clusters, features),
            initializer=inverse_sqrt_normal(features),
            autocast=False,
        )

    def describe(self, statistics: FrameStatistics) -> Tensor:
        return statistics.sums * ops.sigmoid(ops.convert_to_tensor(self.gate_weights))
