"""NetFV pooling."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import Shape, Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics

EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="yt8m_models")
class NetFV(ClusterPooling):
    """A Fisher vector: each cluster's residuals and squared residuals in units of its deviation.

        V1(k) = Σ_t P(k|x_t) (x_t - μ_k) / σ_k
        V2(k) = Σ_t P(k|x_t) [ (x_t - μ_k)² / σ_k² - 1 ]

    With a decoupled assignment `σ = covar_weights² + 1e-6`; coupled ones have a σ of their own,
    which is taken. As in WILLOW's program `intra_norm` normalises the clusters of V1 alone, and
    `final_norm` V1 and V2 each by itself.

    Args:
        num_clusters: K.
        assignment, intra_norm, final_norm, batch_norm, batch_norm_decay, initial_scale: as in
            `ClusterPooling`.
        couple_weights: take `coupling_factor · u_k` for `μ_k`, with the `u_k` of the decoupled
            assignment, instead of free means.
        coupling_factor: that factor.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: `(batch, 2 · K · D)`: V1, then V2, each flattened row-major from `(K, D)`.

    Weights: `means` `(K, D)`, unless `couple_weights`; `covar_weights` `(K, D)` with a decoupled
    assignment, which start around 1; those of the assignment.

    Raises:
        ValueError: `couple_weights` with an assignment that is not decoupled, or as in
            `ClusterPooling`.

    Reference: Miech et al., Learnable pooling with Context Gating for video classification (arXiv
    1706.06905), section 3.1.

    Example:
        >>> NetFV(64)(frames, mask=mask)  # (batch, T, D) -> (batch, 2 * 64 * D)
    """

    def __init__(
        self,
        num_clusters: int,
        assignment: str = "decoupled",
        intra_norm: bool = True,
        final_norm: bool = True,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        initial_scale: float | None = None,
        couple_weights: bool = False,
        coupling_factor: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_clusters,
            assignment,
            intra_norm,
            final_norm,
            batch_norm,
            batch_norm_decay,
            initial_scale,
            **kwargs,
        )
        if couple_weights and self.is_coupled:
            raise ValueError(
                "couple_weights needs assignment='decoupled', as other assignments are by the "
                f"means already; received {assignment!r}"
            )
        self.couple_weights = couple_weights
        self.coupling_factor = coupling_factor

    @property
    def describes_by_means(self) -> bool:
        return not self.couple_weights

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if not self.is_coupled:
            features = input_shape[-1]
            self.covar_weights = self.add_weight(
                name="covar_weights",
                shape=(self.num_clusters, features),
                initializer=keras.initializers.RandomNormal(mean=1.0, stddev=features**-0.5),
                autocast=False,
            )

    def pool(self, statistics: FrameStatistics) -> Tensor:
        means, scales = self._means(), self._scales()
        first = statistics.residuals(means) / scales
        second = statistics.squared_residuals(means) / ops.square(scales)
        second = second - ops.expand_dims(statistics.counts, -1)
        halves = [
            self.normalize_whole(self.normalize_clusters(first)),
            self.normalize_whole(ops.reshape(second, (-1, second.shape[1] * second.shape[2]))),
        ]
        return ops.concatenate(halves, axis=-1)

    def output_size(self, features: int) -> int:
        return 2 * self.num_clusters * features

    def _means(self) -> Tensor:
        if self.couple_weights:
            return self.coupling_factor * ops.cast(ops.transpose(self.assign.kernel), "float32")
        return ops.convert_to_tensor(self.means)

    def _scales(self) -> Tensor:
        """σ, `(K, D)` or of size 1 where it does not differ."""
        if self.is_coupled:
            return ops.exp(self.assign.broadcast_log_scales())
        return ops.square(self.covar_weights) + EPSILON
