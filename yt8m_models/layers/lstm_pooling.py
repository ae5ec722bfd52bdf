"""Long short-term memory over frames."""

import keras
from keras import ops

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.recurrent_pooling import RecurrentPooling, Step


@keras.saving.register_keras_serializable(package="yt8m_models")
class LSTMPooling(RecurrentPooling):
    """Stacked LSTM layers over a video's frames; the state after the last valid frame.

        (i, j, f, o) = [x_t, h_{t-1}] W + b
        c_t = σ(f + 1) c_{t-1} + σ(i) tanh(j)
        h_t = σ(o) tanh(c_t)

    The 1 lets a fresh layer remember. It is part of the formula, as in TensorFlow 1's
    `BasicLSTMCell`, so that biases start at zero and those of old checkpoints fit as they are.

    Args:
        cells, num_layers, backward, state: as in `RecurrentPooling`; `"all"` is `(c, h)` of each
            layer.

    Shapes and errors are those of `RecurrentPooling`.

    Weights of layer n, from 0: `kernel_<n>` `(D + H, 4H)`, the input's rows first, and `bias_<n>`
    `(4H,)`; columns in the order i, j, f, o.

    Reference: Zaremba et al., Recurrent Neural Network Regularization (arXiv 1409.2329), equations
    of section 3.1; LSTMs on YouTube-8M: Abu-El-Haija et al. (arXiv 1609.08675), section 5.1.3.

    Example:
        >>> LSTMPooling(1024)(frames, mask=mask)  # (batch, T, D) -> (batch, 1024)
    """

    num_states = 2

    def add_layer_weights(self, index: int, features: int) -> None:
        shape = (features + self.cells, 4 * self.cells)
        self.add_named_weight("kernel", index, shape, "glorot_uniform")
        self.add_named_weight("bias", index, shape[1:], "zeros")

    def recurrence(self, index: int, inputs: Tensor) -> tuple[Tensor, Step]:
        kernel, bias = getattr(self, f"kernel_{index}"), getattr(self, f"bias_{index}")
        features = inputs.shape[-1]
        recurrent_kernel = kernel[features:]

        def step(share: Tensor, states: list[Tensor]) -> list[Tensor]:
            memory, output = states
            activations = share + ops.matmul(ops.cast(output, share.dtype), recurrent_kernel)
            activations = ops.cast(activations, "float32")
            in_gate, candidate, forget_gate, out_gate = ops.split(activations, 4, axis=-1)
            memory = ops.sigmoid(forget_gate + 1) * memory
            memory += ops.sigmoid(in_gate) * ops.tanh(candidate)
            return [memory, ops.sigmoid(out_gate) * ops.tanh(memory)]

        return ops.matmul(inputs, kernel[:features]) + bias, step
