"""Soft assignment of frames to the clusters of a Gaussian mixture model."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.basic_operations import are_operations_basic
from yt8m_models.layers.normalization import inverse_sqrt_normal

# Name -> whether deviations differ by cluster, and by feature.
COVARIANCES = {
    "uniform_priors": (False, False),
    "shared_spherical": (False, False),
    "spherical": (True, False),
    "shared_diagonal": (False, True),
    "diagonal": (True, True),
}


@keras.saving.register_keras_serializable(package="yt8m_models")
class CoupledAssignment(FrameLayer):
    """Posteriors of a Gaussian mixture whose means are those that the pooling layer describes by.

        P(k|x) = softmax_k( ln w_k - Σ_i [ (x_i - μ_ki)² / 2σ_ki² + ln σ_ki ] )

    with `w = softmax(mixture_logits)` and `σ = exp(log_scales)`.

    The square is expanded, so that everything is matrix products, `x · (μ/σ²)ᵀ` and `x² · (1/σ²)ᵀ`,
    and no tensor is larger than the frames or the posteriors. Where σ is shared by all clusters the
    second product is not needed at all: what all k share cancels in the softmax. For the same
    reason frames and means are taken relative to the mean of all `μ_k`, `ln σ` relative to its mean
    over k, `1/σ²` to what it is at that mean, and `μ²/σ²` to the mean of `μ²` times that: nothing
    changes but the rounding, which would otherwise be relative to these shared parts, far larger
    than the differences that count.

    The exponents are float64, whatever the compute dtype: at D = 1024 those of σ = 0.01 are around
    10,000, and float32 would round their differences, and so put gradients off by more than 3 % in
    some cases. Within `only_basic_operations` what depends on frames is float32.

    Args:
        num_clusters: K.
        assignment: what σ depends on, and whether there are priors:
            `"uniform_priors"`: one σ, `w_k = 1/K`; `"shared_spherical"`: one σ; `"spherical"`: one
            for each cluster; `"shared_diagonal"`: one for each feature; `"diagonal"`: one for each
            cluster and feature.
        initial_scale: σ at the start. Exponents then spread by about `√D · s · m / σ²` for frames
            of deviation `s` in each feature and means of deviation `m`; with the means' start
            `m = 1/√D`, `σ = √s` makes them spread by 1. That is 1 after batch normalisation and
            `D^(-1/4)` for frames of length 1, for which σ = 1 leaves all posteriors alike.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`.
    Output: float32 `(batch, T, K)`; a valid frame's posteriors sum to 1, a padded one's to 0.

    Weights: `means` `(K, D)`; `mixture_logits` `(K,)` but for uniform priors; `log_scales` of shape
    `()`, `(K,)`, `(D,)` or `(K, D)`.

    Raises:
        ValueError: `num_clusters` is below 1, `assignment` is not known, or `initial_scale` is not
            positive.

    Reference: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and
    Recommendation (arXiv 2012.11673), table 5.

    Example:
        >>> CoupledAssignment(64, "shared_diagonal")(frames, mask=mask)
    """

    def __init__(
        self,
        num_clusters: int,
        assignment: str = "diagonal",
        initial_scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_clusters=num_clusters)
        if assignment not in COVARIANCES:
            raise ValueError(
                f"assignment must be one of {tuple(COVARIANCES)}; received {assignment!r}"
            )
        if not 0 < initial_scale < math.inf:
            raise ValueError(f"initial_scale must be positive; received {initial_scale}")
        self.num_clusters = num_clusters
        self.assignment = assignment
        self.initial_scale = initial_scale

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        self.means = self.add_weight(
            name="means",
            shape=(self.num_clusters, features),
            initializer=inverse_sqrt_normal(features),
            autocast=False,
        )
        self.mixture_logits = None
        if self.assignment != "uniform_priors":
            self.mixture_logits = self.add_weight(
                name="mixture_logits",
                shape=(self.num_clusters,),
                initializer="zeros",
                autocast=False,
            )
        by_cluster, by_feature = COVARIANCES[self.assignment]
        self.log_scales = self.add_weight(
            name="log_scales",
            shape=(self.num_clusters,) * by_cluster + (features,) * by_feature,
            initializer=keras.initializers.Constant(math.log(self.initial_scale)),
            autocast=False,
        )

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        logits = self.mixture_logits
        posteriors = _in_float64(self._posteriors)(
            frames,
            ops.convert_to_tensor(self.means),
            self.broadcast_log_scales(),
            ops.zeros(self.num_clusters) if logits is None else ops.convert_to_tensor(logits),
        )
        if mask is None:
            return posteriors
        return posteriors * ops.expand_dims(ops.cast(mask, "float32"), -1)

    def _posteriors(self, *values: Tensor) -> Tensor:
        """Posteriors `(batch, T, K)` of frames by the means, `ln σ` with two axes, and `ln w`."""
        frames, *weights = values
        means, log_scales, logits = (ops.cast(value, "float64") for value in weights)
        dtype = "float32" if are_operations_basic() else "float64"
        center = ops.cast(_mean_of_clusters(means), "float32")  # without a rounding in either type
        means = means - ops.cast(center, "float64")
        frames = ops.cast(frames, dtype) - ops.cast(center, dtype)
        mean_log_scales = _mean_of_clusters(log_scales)
        log_scales = log_scales - mean_log_scales
        typical = ops.exp(-2 * mean_log_scales)
        excess = typical * ops.expm1(-2 * log_scales)  # 1/σ² less what is typical of it
        weighted = means * (typical + excess)
        typical_squares = _mean_of_clusters(ops.square(means)) * typical
        offsets = logits - 0.5 * ops.sum(means * weighted - typical_squares, axis=-1)
        by_cluster, by_feature = COVARIANCES[self.assignment]
        if by_cluster:
            features_per_scale = 1 if by_feature else means.shape[-1]
            offsets = offsets - features_per_scale * ops.sum(log_scales, axis=-1)
        exponents = _product(frames, ops.cast(ops.transpose(weighted), dtype))
        if by_cluster:
            squares = ops.square(frames)
            if not by_feature:
                squares = ops.sum(squares, axis=-1, keepdims=True)
            exponents = exponents - 0.5 * _product(squares, ops.cast(ops.transpose(excess), dtype))
        exponents = exponents + ops.cast(offsets, dtype)
        return ops.cast(ops.softmax(exponents, axis=-1), "float32")

    def broadcast_log_scales(self) -> Tensor:
        """`ln σ` with two axes, `(K, D)`, of which those have size 1 that it does not depend on."""
        by_cluster, by_feature = COVARIANCES[self.assignment]
        rows = self.num_clusters if by_cluster else 1
        return ops.reshape(self.log_scales, (rows, self.means.shape[-1] if by_feature else 1))

    def log_priors(self) -> Tensor:
        """`ln w`: float32 `(K,)`."""
        if self.mixture_logits is None:
            return ops.full((self.num_clusters,), -math.log(self.num_clusters), dtype="float32")
        return ops.log_softmax(ops.convert_to_tensor(self.mixture_logits))

    def compute_output_spec(
        self, frames: Tensor, mask: Tensor | None = None, training: bool = False
    ) -> Tensor:
        return keras.KerasTensor((*frames.shape[:-1], self.num_clusters), dtype="float32")


def _mean_of_clusters(values: Tensor) -> Tensor:
    """The mean over k of `(K, n)`, as a constant: it cancels in the softmax wherever it is used."""
    return ops.stop_gradient(ops.mean(values, axis=0))


def _product(x: Tensor, y: Tensor) -> Tensor:
    """`ops.matmul` in the type of both, of which it makes float32 on PyTorch."""
    return x @ y if keras.backend.backend() == "torch" else ops.matmul(x, y)


def _in_float64(function: Callable[..., Tensor]) -> Any:
    """The function and its gradient where float64 is kept; JAX makes it float32 by default."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    enabled = functools.partial(jax.enable_x64, True)

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def exact(*args: Tensor) -> Tensor:
        with enabled():
            return function(*args)

    def forward(*args: Tensor) -> Any:
        with enabled():
            return jax.vjp(function, *args)

    def backward(gradient_of: Callable[[Tensor], Any], gradient: Tensor) -> Any:
        with enabled():
            return gradient_of(gradient)

    exact.defvjp(forward, backward)
    return exact
