"""Mixture of logistic experts."""

from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor, check_positive
from yt8m_models.layers.context_gating import ContextGating


@keras.saving.register_keras_serializable(package="yt8m_models")
class MixtureOfExperts(BaseLayer):
    """A mixture of M logistic experts a class, and a dummy expert that always says no.

    `p_c = Σ_m g_cm σ(v_cm·x + b_cm)` over the M experts, with `g_c = softmax(u_c0·x, …, u_cM·x)`
    over the M experts and the dummy, whose weight counts for nothing. Gates have no bias.
    With `mix_logits`, logits are mixed instead: `p_c = σ(Σ_m g_cm (v_cm·x + b_cm))`.

    Args:
        num_classes: C.
        num_mixtures: M.
        l2: penalty `l2 / 2 · Σ w²` of the gates' and experts' kernels, as in the starter code.
        low_rank: rank of the gates' kernel as a product of two; 0 for full rank.
        prob_gating: context gating of the probabilities.
        prob_gating_remove_diagonal: `remove_diagonal` of that gating.
        batch_norm_decay: `batch_norm_decay` of that gating.
        mix_logits: mix the experts' logits, as NeXtVLAD's authors do, and not their probabilities.
        expert_bias: experts have a bias `b`; without one they are those of CDML's equation 8.

    Input `(batch, D)`; output float32 `(batch, C)`, probabilities.

    Weights: `gates_kernel` `(D, (M + 1) · C)` (or `gates_low_rank_kernel` `(D, low_rank)` before a
    `gates_kernel` `(low_rank, (M + 1) · C)`), `experts_kernel` `(D, M · C)` and, with a bias,
    `experts_bias` `(M · C,)`. Columns are ordered by expert, then class; the dummy is the last
    expert.

    Raises:
        ValueError: `num_mixtures` is below 1.

    Reference: Abu-El-Haija et al., YouTube-8M (arXiv 1609.08675), section 5.2.3; gating of the
    probabilities: Miech et al. (arXiv 1706.06905).

    Example:
        >>> MixtureOfExperts(3862, num_mixtures=2)(activations)
    """

    def __init__(
        self,
        num_classes: int,
        num_mixtures: int = 2,
        l2: float = 1e-8,
        low_rank: int = 0,
        prob_gating: bool = False,
        prob_gating_remove_diagonal: bool = False,
        batch_norm_decay: float = 0.999,
        mix_logits: bool = False,
        expert_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_mixtures=num_mixtures)
        self.num_classes = num_classes
        self.num_mixtures = num_mixtures
        self.l2 = l2
        self.low_rank = low_rank
        self.prob_gating = prob_gating
        self.prob_gating_remove_diagonal = prob_gating_remove_diagonal
        self.batch_norm_decay = batch_norm_decay
        self.mix_logits = mix_logits
        self.expert_bias = expert_bias

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        num_gates = (self.num_mixtures + 1) * self.num_classes
        num_experts = self.num_mixtures * self.num_classes
        if self.low_rank > 0:
            self.gates_low_rank_kernel = self._kernel(
                "gates_low_rank_kernel", features, self.low_rank
            )
            self.gates_kernel = self._kernel("gates_kernel", self.low_rank, num_gates)
        else:
            self.gates_kernel = self._kernel("gates_kernel", features, num_gates)
        self.experts_kernel = self._kernel("experts_kernel", features, num_experts)
        if self.expert_bias:
            self.experts_bias = self.add_weight(
                name="experts_bias", shape=(num_experts,), initializer="zeros"
            )
        if self.prob_gating:
            self.gating = ContextGating(
                self.prob_gating_remove_diagonal,
                batch_norm_decay=self.batch_norm_decay,
                name="prob_gating",
                dtype=self.dtype_policy,
            )
            self.gating.build((None, self.num_classes))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        mixtures = self.num_mixtures
        gates_inputs = (
            ops.matmul(inputs, self.gates_low_rank_kernel) if self.low_rank > 0 else inputs
        )
        gates = self._per_expert(ops.matmul(gates_inputs, self.gates_kernel), mixtures + 1)
        experts = ops.matmul(inputs, self.experts_kernel)
        if self.expert_bias:
            experts += self.experts_bias
        experts = self._per_expert(experts, mixtures)
        weights = ops.softmax(gates, axis=1)[:, :mixtures]
        if self.mix_logits:
            probabilities = ops.sigmoid(ops.sum(weights * experts, axis=1))
        else:
            probabilities = ops.sum(weights * ops.sigmoid(experts), axis=1)
        if self.prob_gating:
            probabilities = self.gating(probabilities, training=training)
        return probabilities

    def compute_output_spec(self, inputs: Tensor, training: bool = False) -> Tensor:
        return keras.KerasTensor((inputs.shape[0], self.num_classes), dtype="float32")

    def _kernel(self, name: str, rows: int, columns: int) -> Tensor:
        return self.add_weight(
            name=name,
            shape=(rows, columns),
            initializer="glorot_uniform",
            regularizer=keras.regularizers.L2(self.l2 / 2),
        )

    def _per_expert(self, activations: Tensor, num_experts: int) -> Tensor:
        """`(batch, experts · C)` to float32 `(batch, experts, C)`."""
        return ops.reshape(ops.cast(activations, "float32"), (-1, num_experts, self.num_classes))
