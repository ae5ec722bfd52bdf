"""Deep smoothed Gaussian mixture model (DSGMM) pooling."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import Shape, Tensor
from yt8m_models.layers.cluster_pooling import ClusterPooling
from yt8m_models.layers.frame_statistics import FrameStatistics
from yt8m_models.layers.normalization import inverse_norm

STATISTICS = ("weights", "means", "covariances")
COVARIANCES = ("diagonal", "full")
MOST_NUMBERS = 2**20  # of full covariances; the layer behind them has that many times its units
EMPTY = 1e-30  # posteriors this small in sum are rounding, and their reciprocals overflow


@keras.saving.register_keras_serializable(package="yt8m_models")
class DSGMM(ClusterPooling):
    """The mixture model of a video, smoothed towards the universal background model (UBM).

    With `λ = n(k) / (n(k) + γ)` and the UBM's `w_k`, `μ_k`, `σ_k`, the parameters of cluster k are

        weights      λ n(k)/n + (1 - λ) w_k, where n = Σ_k n(k) is the number of frames
        means        λ S_x(k)/n(k) + (1 - λ) μ_k
        covariances  λ S_x2(k)/n(k) + (1 - λ) (Σ_k + μ_k μ_kᵀ) - μ μᵀ, where μ is the mean above

    each with a γ of its own. Where those of means and covariances differ, a covariance may be
    negative: equation 11 is not that of a mixture then. A cluster that few
    frames reach stays near the UBM; one that many reach moves to the frames' own. `γ = 0` gives the
    maximum-likelihood parameters, and those of the UBM where no frame reaches the cluster; a
    large γ gives the UBM's. No count is divided by that can be 0: the mean, for one, is
    `(S_x(k) + γ μ_k) / (n(k) + γ)`; and moments are taken about `μ_k`, which changes nothing but
    the rounding, as does that variances of one γ are at least 0. The weights are not scaled to add
    up to 1.

    Args:
        num_clusters: K.
        gamma: γ, the weight of the UBM counted in frames.
        assignment, intra_norm, final_norm, batch_norm, batch_norm_decay, initial_scale: as in
            `ClusterPooling`; the paper normalises each cluster and not the whole. `intra_norm`
            normalises a cluster's mean and its covariances, each by itself, and not its weight.
        statistics: which of `"weights"`, `"means"` and `"covariances"` to return; the paper uses
            the means alone.
        gamma_weights, gamma_means, gamma_covariances: γ of each; `None` takes `gamma`.
        covariances: `"diagonal"` for the variances alone, or `"full"` for the matrices, of which K
            may have `2²⁰` numbers: at 256 clusters frames have 64 features at most.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: `(batch, n)`, the statistics side by side in the order of `statistics`: weights are K
    wide, means and variances `K · D`, flattened row-major from `(K, D)`, full covariances `K · D²`.

    Weights: the UBM's `means` `(K, D)`, `mixture_logits` `(K,)`, `w = softmax(mixture_logits)`, and
    `log_scales` `(K, D)`, `σ = exp(log_scales)`. A coupled assignment has its own, which are the
    UBM's. With a decoupled one each is there where `statistics` need it: `mixture_logits` for
    weights, `means` for means and covariances, `log_scales` for covariances; for full ones instead
    `covariance_roots` `(K, D, D)`, `Σ_k = A_k A_kᵀ`.

    Raises:
        ValueError: a γ is negative or infinite, `statistics` is empty or has a name that is unknown
            or there twice, `covariances` is unknown or has too many numbers, or as in
            `ClusterPooling`.

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
        covariances: str = "diagonal",
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
        if covariances not in COVARIANCES:
            raise ValueError(f"covariances must be one of {COVARIANCES}; received {covariances!r}")
        self.gamma = gamma
        self.statistics = statistics
        self.gamma_weights = gamma_weights
        self.gamma_means = gamma_means
        self.gamma_covariances = gamma_covariances
        self.covariances = covariances

    @property
    def is_full(self) -> bool:
        """Whether covariances are matrices."""
        return self.covariances == "full"

    @property
    def describes_by_means(self) -> bool:
        return "means" in self.statistics or "covariances" in self.statistics

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        has_covariances = "covariances" in self.statistics
        numbers = self.num_clusters * features**2
        if has_covariances and self.is_full and numbers > MOST_NUMBERS:
            raise ValueError(
                f'covariances="full" must have at most {MOST_NUMBERS:,} numbers of a video; '
                f"{self.num_clusters} clusters of {features} features have {numbers:,}: use "
                '"diagonal", fewer clusters or narrower frames'
            )
        super().build(input_shape)
        if self.is_coupled:
            return
        if "weights" in self.statistics:
            self.mixture_logits = self.add_weight(
                name="mixture_logits",
                shape=(self.num_clusters,),
                initializer="zeros",
                autocast=False,
            )
        scale = self.start_of_scales(features)
        if has_covariances and self.is_full:
            self.covariance_roots = self.add_weight(
                name="covariance_roots",
                shape=(self.num_clusters, features, features),
                initializer=lambda shape, dtype: (
                    scale * ops.broadcast_to(ops.eye(features, dtype=dtype), shape)
                ),
                autocast=False,
            )
        elif has_covariances:
            self.log_scales = self.add_weight(
                name="log_scales",
                shape=(self.num_clusters, features),
                initializer=keras.initializers.Constant(math.log(scale)),
                autocast=False,
            )

    def pool(self, statistics: FrameStatistics) -> Tensor:
        if self._norms_come_first(statistics.frames.shape):
            return self._normalized_means(statistics)
        smooth: dict[str, Callable[[FrameStatistics], Tensor]] = {
            "weights": self._weights,
            "means": lambda frames: self.normalize_clusters(self._means(frames)),
            "covariances": lambda frames: self.normalize_clusters(self._covariances(frames)),
        }
        pooled = ops.concatenate([smooth[name](statistics) for name in self.statistics], axis=-1)
        return self.normalize_whole(pooled)

    def output_size(self, features: int) -> int:
        sizes = {
            "weights": 1,
            "means": features,
            "covariances": features**2 if self.is_full else features,
        }
        return self.num_clusters * sum(sizes[name] for name in self.statistics)

    def _weights(self, frames: FrameStatistics) -> Tensor:
        counts = frames.counts  # (batch, K)
        total = ops.sum(counts, axis=-1, keepdims=True)
        share = counts / ops.where(total > 0, total, 1.0)
        if self.is_coupled:
            priors = ops.exp(self.assign.log_priors())
        else:
            priors = ops.softmax(ops.convert_to_tensor(self.mixture_logits))
        return _smooth(counts * share, priors, counts, _either(self.gamma_weights, self.gamma))

    def _norms_come_first(self, frames: Shape) -> bool:
        """Whether to take the norms of means from the products of frames of that shape.

        In half precision, where the means' passes through float32 count on a GPU, and where frames
        have fewer products, `T²`, than the means have numbers.
        """
        num_frames, features = frames[1:]
        if self.statistics != ("means",) or self.compute_dtype == "float32" or num_frames is None:
            return False
        return bool(num_frames**2 <= self.num_clusters * features)

    def _normalized_means(self, frames: FrameStatistics) -> Tensor:
        """The normalised means in half precision, as sums of frames by weights of unit results.

        A mean is `a S_x(k) + b μ_k`, and with the posteriors p of the frames X, `(T, D)`, its
        squared norm is `a² pᵀ(X Xᵀ)p + 2ab pᵀX μ_k + b² |μ_k|²`.
        """
        gamma = _either(self.gamma_means, self.gamma)
        own = _smooth(1.0, 0.0, frames.counts, gamma)
        background = _smooth(0.0, 1.0, frames.counts, gamma)
        means, posteriors, x = ops.convert_to_tensor(self.means), frames.posteriors, frames.frames
        products = ops.matmul(x, ops.transpose(x, (0, 2, 1)))  # (batch, T, T)
        of_frames = ops.sum(posteriors * ops.matmul(products, posteriors), axis=1)
        crossed = ops.sum(posteriors * ops.matmul(x, ops.transpose(means)), axis=1)
        squared = ops.square(own) * of_frames + 2 * own * background * crossed
        squared += ops.square(background) * ops.sum(ops.square(means), axis=-1)
        scales = inverse_norm(squared) if self.intra_norm else ops.ones_like(squared)
        if self.final_norm:
            whole = ops.sum(squared * ops.square(scales), axis=-1, keepdims=True)
            scales = scales * inverse_norm(whole)
        half = self.compute_dtype
        weights = ops.cast(posteriors * ops.expand_dims(own * scales, 1), half)
        pooled = ops.matmul(ops.transpose(weights, (0, 2, 1)), ops.cast(x, half))
        pooled += ops.cast(ops.expand_dims(background * scales, -1), half) * ops.cast(means, half)
        return ops.reshape(pooled, (-1, self.num_clusters * means.shape[-1]))

    def _means(self, frames: FrameStatistics) -> Tensor:
        counts = ops.expand_dims(frames.counts, -1)
        return _smooth(
            frames.sums,
            ops.convert_to_tensor(self.means),
            counts,
            _either(self.gamma_means, self.gamma),
        )

    def _covariances(self, frames: FrameStatistics) -> Tensor:
        """Variances `(batch, K, D)`, or matrices `(batch, K, D²)`.

        About `μ_k`, equation 11 is `second + μ_k gapᵀ + gap μ_kᵀ - mean meanᵀ`, where `gap` is by
        how much the mean of its own γ is more than that of equation 10.
        """
        counts = ops.expand_dims(frames.counts, -1)
        gamma = _either(self.gamma_covariances, self.gamma)
        gamma_means = _either(self.gamma_means, self.gamma)
        means = ops.convert_to_tensor(self.means)
        residuals = frames.residuals(means)
        mean = _smooth(residuals, 0.0, counts, gamma_means)
        gap = _smooth(residuals, 0.0, counts, gamma) - mean
        if not self.is_full:
            squares = frames.squared_residuals(means)
            second = _smooth(squares, self._variances(), counts, gamma)
            variances = second + 2 * means * gap - ops.square(mean)
            return ops.maximum(variances, 0.0) if gamma == gamma_means else variances
        products = frames.residual_products(means)
        second = _smooth(products, self._matrices(), ops.expand_dims(counts, -1), gamma)
        crossed = _outer(means, gap)
        matrices = second + crossed + ops.swapaxes(crossed, -1, -2) - _outer(mean, mean)
        features = means.shape[-1]
        return ops.reshape(matrices, (-1, self.num_clusters, features * features))

    def _variances(self) -> Tensor:
        """The UBM's, with two axes as of `(K, D)`."""
        log_scales = (
            self.assign.broadcast_log_scales()
            if self.is_coupled
            else ops.convert_to_tensor(self.log_scales)
        )
        return ops.exp(2 * log_scales)

    def _matrices(self) -> Tensor:
        """The UBM's covariances, with three axes as of `(K, D, D)`."""
        if self.is_coupled:
            return ops.expand_dims(self._variances(), -1) * ops.eye(self.means.shape[-1])
        roots = ops.convert_to_tensor(self.covariance_roots)
        return ops.matmul(roots, ops.swapaxes(roots, -1, -2))


def _outer(columns: Tensor, rows: Tensor) -> Tensor:
    """`(…, D)` and `(…, D)` to `(…, D, D)`."""
    return ops.expand_dims(columns, -1) * ops.expand_dims(rows, -2)


def _either(value: float | None, default: float) -> float:
    return default if value is None else value


def _smooth(sums: Tensor, background: Tensor, counts: Tensor, gamma: float) -> Tensor:
    """`λ sums/counts + (1 - λ) background`; the background where `gamma` and the count are 0."""
    if gamma > 0:
        return (sums + gamma * background) / (counts + gamma)
    reached = counts > EMPTY
    return ops.where(reached, sums / ops.where(reached, counts, 1.0), background)
