"""Deep smoothed Gaussian mixture model (DSGMM) pooling."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import Shape, Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics

STATISTICS = ("weights", "means", "covariances")
EMPTY = 1e-30  # posteriors this small in sum are rounding, and their reciprocals overflow


@keras.saving.register_keras_serializable(package="yt8m_models")
class DSGMM(ClusterPooling):
    """The mixture model of a video, smoothed towards the universal background model (UBM).

    With `λ = n(k) / (n(k) + γ)` and the UBM's `w_k`, `μ_k`, `σ_k`, the parameters of cluster k are

        weights      λ n(k)/n + (1 - λ) w_k, where n = Σ_k n(k) is the number of frames
        means        λ S_x(k)/n(k) + (1 - λ) μ_k
        covariances  λ S_x2(k)/n(k) + (1 - λ) (σ_k² + μ_k²) - [ λ S_x(k)/n(k) + (1 - λ) μ_k ]²

    each with a γ of its own, also in the mean that the covariances subtract. A cluster that few
    frames reach stays near the UBM; one that many reach moves to the frames' own. `γ = 0` gives the
    maximum-likelihood parameters, and those of the UBM where no frame reaches the cluster; a
    large γ gives the UBM's. No count is divided by that can be 0: the mean, for one, is
    `(S_x(k) + γ μ_k) / (n(k) + γ)`; and moments are taken about `μ_k`, which changes nothing but
    the rounding. The weights are not scaled to add up to 1.

    Args:
        num_clusters: K.
        gamma: γ, the weight of the UBM counted in frames.
        assignment, intra_norm, final_norm, batch_norm, batch_norm_decay, initial_scale: as in
            `ClusterPooling`; the paper normalises each cluster and not the whole. `intra_norm`
            normalises a cluster's mean and its covariances, each by itself, and not its weight.
        statistics: which of `"weights"`, `"means"` and `"covariances"` (their diagonals) to
            return; the paper uses the means alone.
        gamma_weights, gamma_means, gamma_covariances: γ of each; `None` takes `gamma`.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: `(batch, n)`, the statistics side by side in the order of `statistics`: weights are K
    wide, means and covariances `K · D`, flattened row-major from `(K, D)`.

    Weights: the UBM's `means` `(K, D)`, `mixture_logits` `(K,)`, `w = softmax(mixture_logits)`, and
    `log_scales` `(K, D)`, `σ = exp(log_scales)`. A coupled assignment has its own, which are the
    UBM's. With a decoupled one each is there where `statistics` need it: `mixture_logits` for
    weights, `means` for means and covariances, `log_scales` for covariances.

    Raises:
        ValueError: a γ is negative or infinite, `statistics` is empty or has a name that is unknown
            or there twice, or as in `ClusterPooling`.

    Reference: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and
    Recommendation (arXiv 2012.11673), equations 9 to 12.

    Example:
        >>> DSGMM(256, gamma=0.125)(frames, mask=mask)  # (batch, T, D) -> (batch, 256 * D)
    """

    def __init__(
        self,
        num_clusters: int,
        gamma: float = 0.125,
        assignment: str = "decoupled",
        intra_norm: bool = True,
        final_norm: bool = False,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        initial_scale: float | None = None,
        statistics: Sequence[str] = ("means",),
        gamma_weights: float | None = None,
        gamma_means: float | None = None,
        gamma_covariances: float | None = None,
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
        statistics = tuple(statistics)
        if not statistics or len({*statistics} & {*STATISTICS}) != len(statistics):
            raise ValueError(
                f"statistics must be one or more of {STATISTICS}, none of them twice; "
                f"received {statistics}"
            )
        gammas = {
            "gamma": gamma,
            "gamma_weights": gamma_weights,
            "gamma_means": gamma_means,
            "gamma_covariances": gamma_covariances,
        }
        for name, value in gammas.items():
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must be at least 0 and finite; received {value}")
        self.gamma = gamma
        self.statistics = statistics
        self.gamma_weights = gamma_weights
        self.gamma_means = gamma_means
        self.gamma_covariances = gamma_covariances

    @property
    def describes_by_means(self) -> bool:
        return "means" in self.statistics or "covariances" in self.statistics

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        if self.is_coupled:
            return
        features = input_shape[-1]
        if "weights" in self.statistics:
            self.mixture_logits = self.add_weight(
                name="mixture_logits",
                shape=(self.num_clusters,),
                initializer="zeros",
                autocast=False,
            )
        if "covariances" in self.statistics:
            self.log_scales = self.add_weight(
                name="log_scales",
                shape=(self.num_clusters, features),
                initializer=keras.initializers.Constant(math.log(self.start_of_scales(features))),
                autocast=False,
            )

    def pool(self, statistics: FrameStatistics) -> Tensor:
        smooth: dict[str, Callable[[FrameStatistics], Tensor]] = {
            "weights": self._weights,
            "means": lambda frames: self.normalize_clusters(self._means(frames)),
            "covariances": lambda frames: self.normalize_clusters(self._covariances(frames)),
        }
        pooled = ops.concatenate([smooth[name](statistics) for name in self.statistics], axis=-1)
        return self.normalize_whole(pooled)

    def output_size(self, features: int) -> int:
        return sum(
            self.num_clusters * (1 if name == "weights" else features) for name in self.statistics
        )

    def _weights(self, frames: FrameStatistics) -> Tensor:
        counts = frames.counts  # (batch, K)
        total = ops.sum(counts, axis=-1, keepdims=True)
        share = counts / ops.where(total > 0, total, 1.0)
        if self.is_coupled:
            priors = ops.exp(self.assign.log_priors())
        else:
            priors = ops.softmax(ops.convert_to_tensor(self.mixture_logits))
        return _smooth(counts * share, priors, counts, _either(self.gamma_weights, self.gamma))

    def _means(self, frames: FrameStatistics) -> Tensor:
        counts = ops.expand_dims(frames.counts, -1)
        return _smooth(
            frames.sums,
            ops.convert_to_tensor(self.means),
            counts,
            _either(self.gamma_means, self.gamma),
        )

    def _covariances(self, frames: FrameStatistics) -> Tensor:
        counts = ops.expand_dims(frames.counts, -1)
        gamma = _either(self.gamma_covariances, self.gamma)
        log_scales = (
            self.assign.broadcast_log_scales()
            if self.is_coupled
            else ops.convert_to_tensor(self.log_scales)
        )
        second = _smooth(
            frames.squared_residuals(self.means), ops.exp(2 * log_scales), counts, gamma
        )
        first = _smooth(frames.residuals(self.means), 0.0, counts, gamma)
        return ops.maximum(second - ops.square(first), 0.0)


def _either(value: float | None, default: float) -> float:
    return default if value is None else value


def _smooth(sums: Tensor, background: Tensor, counts: Tensor, gamma: float) -> Tensor:
    """`λ sums/counts + (1 - λ) background`; the background where `gamma` and the count are 0."""
    if gamma > 0:
        return (sums + gamma * background) / (counts + gamma)
    reached = counts > EMPTY
    return ops.where(reached, sums / ops.where(reached, counts, 1.0), background)
