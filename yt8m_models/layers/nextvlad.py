"""NeXtVLAD pooling."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.batch_normalization import BatchNormalization
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class NeXtVLAD(FrameLayer):
    """VLAD of grouped, low-dimensional parts of each frame, with attention over frames and groups.

    A frame is expanded to `y = x E + e` of λD numbers and cut into G groups `y_g` of F = λD/G:

        α_g(y) = σ(a_g·y + α0_g)                       attention
        P_g(k|y) = softmax_k(BN(y W_g))                or softmax_k(y W_g + b_g)
        V(k) = Σ_t Σ_g α_g(y_t) P_g(k|y_t) (y_tg - μ_k)
        output = BN of the L2-normalised V(k) side by side

    The groups share the means μ_k, so that the output is λ/G times as wide as that of NetVLAD.

    Args:
        num_clusters: K.
        groups: G.
        expansion: λ, a whole number.
        batch_norm: batch normalisation of the assignment (instead of a bias) and of the output.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K · F)`, flattened row-major from `(K, F)`.

    Weights: `expansion_kernel` `(D, λD)`, `expansion_bias` `(λD,)`, `attention_kernel` `(λD, G)`,
    `attention_bias` `(G,)`, `assignment_kernel` `(λD, G · K)`, `means` `(K, F)`, and
    `assignment_bias` `(G · K,)` without batch normalisation.

    Raises:
        ValueError: `num_clusters`, `groups` or `expansion` is below 1, or `expansion` times the
            width of the frames is not a multiple of `groups`.

    Reference: Lin et al., NeXtVLAD (arXiv 1811.05014), section 3; `NeXtVLADModel` of its
    authors.

    Example:
        >>> NeXtVLAD(128)(frames, mask=mask)  # (batch, T, D) -> (batch, 128 * D / 4)
    """

    def __init__(
        self,
        num_clusters: int,
        groups: int = 8,
        expansion: int = 2,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_clusters=num_clusters, groups=groups, expansion=expansion)
        self.num_clusters = num_clusters
        self.groups = groups
        self.expansion = expansion
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        expanded = self.expansion * features
        group_size = self._group_size(features)
        assignments = self.groups * self.num_clusters
        self.expansion_kernel = self._weight("expansion_kernel", (features, expanded), features)
        self.expansion_bias = self._weight("expansion_bias", (expanded,))
        self.attention_kernel = self._weight("attention_kernel", (expanded, self.groups), expanded)
        self.attention_bias = self._weight("attention_bias", (self.groups,))
        self.assignment_kernel = self._weight(
            "assignment_kernel", (expanded, assignments), expanded
        )
        self.means = self._weight(
            "means", (self.num_clusters, group_size), group_size, autocast=False
        )
        if self.batch_norm:
            self.assignment_normalization = BatchNormalization(
                self.batch_norm_decay, name="assignment_batch_norm", dtype=self.dtype_policy
            )
            self.assignment_normalization.build((None, None, assignments))
            self.normalization = BatchNormalization(
                self.batch_norm_decay, name="batch_norm", dtype=self.dtype_policy
            )
            self.normalization.build((None, self.num_clusters * group_size))
        else:
            self.assignment_bias = self._weight("assignment_bias", (assignments,))

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        group_size = self._group_size(frames.shape[-1])
        num_frames = ops.shape(frames)[1]
        expanded = ops.matmul(frames, self.expansion_kernel) + self.expansion_bias
        weights = self._attend(expanded, mask)  # (batch, T, G)
        weights = ops.reshape(weights, (-1, num_frames * self.groups, 1))
        posteriors = self._assign(expanded, mask, training)  # (batch, T, G · K)
        posteriors = ops.reshape(posteriors, (-1, num_frames * self.groups, self.num_clusters))
        posteriors = ops.softmax(ops.cast(posteriors, "float32"), axis=-1) * weights
        parts = ops.reshape(
            ops.cast(expanded, "float32"), (-1, num_frames * self.groups, group_size)
        )
        sums = ops.matmul(ops.transpose(posteriors, (0, 2, 1)), parts)  # (batch, K, F)
        counts = ops.expand_dims(ops.sum(posteriors, axis=1), -1)
        residuals = l2_normalize(sums - counts * self.means)
        pooled = ops.reshape(residuals, (-1, self.num_clusters * group_size))
        pooled = ops.cast(pooled, self.compute_dtype)
        return self.normalization(pooled, training=training) if self.batch_norm else pooled

    def _attend(self, expanded: Tensor, mask: Tensor | None) -> Tensor:
        """Attention, float32 `(batch, T, G)`; 0 for padded frames."""
        logits = ops.matmul(expanded, self.attention_kernel) + self.attention_bias
        weights = ops.sigmoid(ops.cast(logits, "float32"))
        return weights if mask is None else weights * ops.expand_dims(ops.cast(mask, "float32"), -1)

    def _assign(self, expanded: Tensor, mask: Tensor | None, training: bool) -> Tensor:
        """Logits of the assignment, `(batch, T, G · K)`."""
        logits = ops.matmul(expanded, self.assignment_kernel)
        if self.batch_norm:
            return self.assignment_normalization(logits, mask=mask, training=training)
        return logits + self.assignment_bias

    def _weight(
        self, name: str, shape: tuple[int, ...], fan_in: int | None = None, autocast: bool = True
    ) -> Tensor:
        """A weight with deviation `sqrt(2 / fan_in)`, or a bias, which starts at 0."""
        initializer = (
            "zeros"
            if fan_in is None  # cutting off at two deviations leaves 0.77 of the variance
            else keras.initializers.TruncatedNormal(stddev=(1.3 * 2 / fan_in) ** 0.5)
        )
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=autocast)

    def _group_size(self, features: int) -> int:
        expanded = self.expansion * features
        if expanded % self.groups:
            raise ValueError(
                f"groups must divide expansion times the width of the frames, {expanded}; received "
                f"groups={self.groups}"
            )
        return expanded // self.groups

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.num_clusters * self._group_size(input_shape[-1]))
