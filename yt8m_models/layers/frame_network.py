"""Dense layers on each frame."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="yt8m_models")
class FrameNetwork(FrameLayer):
    """Fully connected layers on every frame by itself, to be pooled then.

        h_0 = x_t,  h_i = dropout(max(0, BN(h_{i-1} W_i)))

    Batch normalisation is over the valid frames of the batch; without it a bias is added.

    Args:
        units: widths of the layers, one or more.
        dropout: fraction of each layer's outputs dropped in training.
        batch_norm: whether to normalise by batches.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`. Output: `(batch, T, units[-1])`,
    zeros for padded frames.

    Raises:
        ValueError: a width is below 1, there is none, or `dropout` is not within [0, 1).

    Reference: Kong et al., Weakly Labelled AudioSet Tagging with Attention Neural Networks (arXiv
    1903.00765), the embedding layers before the attention.

    Example:
        >>> FrameNetwork((1024, 256), dropout=0.5)(frames, mask=mask)  # -> (batch, T, 256)
    """

    def __init__(
        self,
        units: Sequence[int],
        dropout: float = 0.0,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = tuple(units)
        if not self.units:
            raise ValueError("units must have one width or more; received none")
        for width in self.units:
            check_positive(units=width)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1; received {dropout}")
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self._steps = []
        for index, width in enumerate(self.units):
            dense = keras.layers.Dense(
                width,
                use_bias=not batch_norm,
                kernel_initializer="he_normal",
                name=f"dense_{index}",
                dtype=self.dtype_policy,
            )
            normalization = (
                BatchNormalization(
                    batch_norm_decay, name=f"batch_norm_{index}", dtype=self.dtype_policy
                )
                if batch_norm
                else None
            )
            drop = keras.layers.Dropout(dropout, name=f"dropout_{index}", dtype=self.dtype_policy)
            self._steps.append((dense, normalization, drop))
            setattr(self, dense.name, dense)  # checkpoints follow attributes, not lists
            if normalization is not None:
                setattr(self, normalization.name, normalization)
            setattr(self, drop.name, drop)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        for dense, normalization, _ in self._steps:
            dense.build((None, None, features))
            features = dense.units
            if normalization is not None:
                normalization.build((None, None, features))

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        for dense, normalization, drop in self._steps:
            frames = dense(frames)
            if normalization is not None:
                frames = normalization(frames, mask=mask, training=training)
            frames = drop(ops.relu(frames), training=training)
        return frames if mask is None else ops.where(ops.expand_dims(mask, -1), frames, 0.0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units[-1])
