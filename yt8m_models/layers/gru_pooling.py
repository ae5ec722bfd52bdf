"""Gated recurrent units over frames."""

import keras
from keras import ops

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.recurrent_pooling import RecurrentPooling, Step


@keras.saving.register_keras_serializable(package="yt8m_models")
class GRUPooling(RecurrentPooling):
    """Stacked GRU layers over a video's frames; the state after the last valid frame.

        (r, u) = σ([x_t, h_{t-1}] W_g + b_g)
        h_t = u h_{t-1} + (1 - u) tanh([x_t, r h_{t-1}] W_c + b_c)

    The biases of the gates start at 1, so that a fresh layer remembers. The reset gate r comes
    before the product, as in TensorFlow 1's `GRUCell`.

    Args:
        cells, num_layers, backward, state: as in `RecurrentPooling`; `"all"` is h of each layer.

    Shapes and errors are those of `RecurrentPooling`.

    Weights of layer n, from 0: `gates_kernel_<n>` `(D + H, 2H)` and `gates_bias_<n>` `(2H,)`,
    columns in the order r, u; `candidate_kernel_<n>` `(D + H, H)` and `candidate_bias_<n>` `(H,)`.
    The input's rows come first.

    Reference: Cho et al. (arXiv 1406.1078), equations 5 to 8; on YouTube-8M: Miech et al.
    (arXiv 1706.06905).

    Example:
        >>> GRUPooling(1024, state="all")(frames, mask=mask)  # (batch, T, D) -> (batch, 2 * 1024)
    """

    def add_layer_weights(self, index: int, features: int) -> None:
        rows = features + self.cells
        for name, columns, bias in (
            ("gates", 2 * self.cells, "ones"),
            ("candidate", self.cells, "zeros"),
        ):
            self.add_named_weight(f"{name}_kernel", index, (rows, columns), "glorot_uniform")
            self.add_named_weight(f"{name}_bias", index, (columns,), bias)

    def recurrence(self, index: int, inputs: Tensor) -> tuple[Tensor, Step]:
        kernels, biases = (
            [getattr(self, f"{name}_{kind}_{index}") for name in ("gates", "candidate")]
            for kind in ("kernel", "bias")
        )
        features = inputs.shape[-1]
        gates_kernel, candidate_kernel = (kernel[features:] for kernel in kernels)

        def step(share: Tensor, states: list[Tensor]) -> list[Tensor]:
            (state,) = states
            gates = share[:, : 2 * self.cells] + ops.matmul(
                ops.cast(state, share.dtype), gates_kernel
            )
            reset, update = ops.split(ops.sigmoid(ops.cast(gates, "float32")), 2, axis=-1)
            candidate = share[:, 2 * self.cells :] + ops.matmul(
                ops.cast(reset * state, share.dtype), candidate_kernel
            )
            candidate = ops.tanh(ops.cast(candidate, "float32"))
            return [update * state + (1 - update) * candidate]

        shares = [
            ops.matmul(inputs, kernel[:features]) + bias
            for kernel, bias in zip(kernels, biases, strict=True)
        ]
        return ops.concatenate(shares, axis=-1), step
