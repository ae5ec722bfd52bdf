"""Batch normalisation, with moving statistics that are right from the first step."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import BaseLayer, Shape, Tensor
from yt8m_models.layers.normalization import EPSILON

MOVING_WEIGHT = "moving_weight"


@keras.saving.register_keras_serializable(package="yt8m_models")
class BatchNormalization(BaseLayer):
    """Batch normalisation over the last axis, whose moving statistics are bias-corrected.

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Training takes mean and variance of the batch, inference the moving ones. These are averages of
    the batches' m_1 … m_t alone, with weights `decay^(t - i)`: the starting values 0 and 1 have no
    part in them, as in the moments of Adam. With `w_t = 1 - decay^t`, which is `moving_weight`,

        moving_t = moving_{t-1} + (1 - decay) / w_t · (m_t - moving_{t-1})

    The first step sets the statistics, and after many steps the rate is `1 - decay`. At a
    `moving_weight` of 1 it is that from the start: statistics that were assigned (or loaded from a
    checkpoint without a `moving_weight`) then move on as settled ones do; otherwise the next batch
    replaces them.

    Each call in training is a step, and so is each piece of a batch with accumulated gradients.
    Replicas of `tf.distribute` synchronise nothing: each normalises by its own part of the batch,
    moves a copy of the statistics of its own, and that of the first is saved.

    Args:
        decay: of the moving statistics, from 0 to below 1.
        epsilon: added to variances.

    Inputs: `(batch, …, D)`, and optionally `mask`, bool `(batch, …)`: the mean and variance are of
        the valid places alone, and do not move where there are none.
    Output: of the shape of the inputs.

    Weights: `gamma`, `beta`, `moving_mean` and `moving_variance` `(D,)`, of which the first two are
    trained; `moving_weight` `()`, in float32 under every policy. A layer that is not trainable
    normalises by the moving statistics in training, too.

    Raises:
        ValueError: `decay` is not from 0 to below 1.

    Reference: Ioffe and Szegedy (arXiv 1502.03167), algorithms 1 and 2; the correction is that of
    Kingma and Ba, Adam (arXiv 1412.6980), section 3.

    Example:
        >>> BatchNormalization(decay=0.99)(frames, mask=mask, training=True)
    """

    def __init__(self, decay: float = 0.999, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1; received {decay}")
        self.decay = decay
        self.epsilon = epsilon
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        self.gamma = self._weight("gamma", input_shape[-1:], "ones", trainable=True)
        self.beta = self._weight("beta", input_shape[-1:], "zeros", trainable=True)
        self.moving_mean = self._weight("moving_mean", input_shape[-1:], "zeros")
        self.moving_variance = self._weight("moving_variance", input_shape[-1:], "ones")
        self.moving_weight = self._weight(MOVING_WEIGHT, (), "zeros", dtype="float32")

    def _weight(
        self, name: str, shape: Shape, initializer: str, trainable: bool = False, **kwargs: Any
    ) -> Any:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            autocast=False,
            **kwargs,
        )

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        # Sums over a batch overflow in float16, and lose small differences in bfloat16.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if training and self.trainable:
            mean, variance = self._move(x, mask)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        outputs = ops.batch_normalization(
            x,
            ops.cast(mean, x.dtype),
            ops.cast(variance, x.dtype),
            axis=-1,
            offset=ops.cast(self.beta, x.dtype),
            scale=ops.cast(self.gamma, x.dtype),
            epsilon=self.epsilon,
        )
        return ops.cast(outputs, self.compute_dtype)

    def _move(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Moves the statistics; mean and variance of the batch."""
        axes = tuple(range(len(x.shape) - 1))
        share = 1.0 - self.decay
        if mask is None:
            # Not `ops.moments`, which on PyTorch is E[x²] - E[x]² and so loses a small variance.
            mean = ops.mean(x, axes)
            variance = ops.mean(ops.square(x - ops.stop_gradient(mean)), axes)
        else:
            valid = ops.expand_dims(ops.cast(mask, "bool"), -1)
            count = ops.sum(ops.cast(valid, x.dtype))
            divisor = ops.maximum(count, 1.0)
            mean = ops.sum(ops.where(valid, x, 0.0), axes) / divisor
            deviations = ops.where(valid, x - mean, 0.0)
            variance = ops.sum(ops.square(deviations), axes) / divisor
            share = ops.cast(ops.where(count > 0, share, 0.0), "float32")
        weight = self.moving_weight + share * (1.0 - self.moving_weight)
        rate = ops.cast(share / ops.maximum(weight, EPSILON), x.dtype)
        self.moving_weight.assign(weight)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            # Not as a step towards the value, which would leave a rounding error at a rate of 1.
            moving.assign((1.0 - rate) * ops.cast(moving, x.dtype) + rate * value)
        return mean, variance

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Loads what Keras saved; without a `moving_weight`, the statistics are settled."""
        values = dict(store)
        if len(values) == len(self.weights) - 1:
            values[str(len(values))] = 1.0
        super().load_own_variables(values)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def settle_moving_statistics(weights: Iterable[Any]) -> list[Any]:
    """Sets each `moving_weight` among weights to 1, and gives these."""
    settled = [weight for weight in weights if weight.name == MOVING_WEIGHT]
    for weight in settled:
        weight.assign(1.0)
    return settled
