"""Block PCA: a projection of each feature by itself."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from yt8m_models.layers.base import Tensor
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class BlockPCA(keras.layers.Layer):
    """Centres, projects and L2-normalises each feature by itself.

    `y_i = W_i (x_i - μ_i) / |W_i (x_i - μ_i)|` for each feature i, side by side. `StreamingPCA`
    gives the W and μ that make it a principal component analysis; from there they can be trained.

    Args:
        sizes: widths of the features side by side in the last axis of the input.
        components: dimensions that are kept of each feature.

    Input `(batch, Σ sizes)`; output `(batch, Σ components)` in the compute dtype.

    Weights: `mean_i` `(sizes[i],)` and `projection_i` `(components[i], sizes[i])` for each feature.

    Raises:
        ValueError: `sizes` and `components` differ in number, a feature has fewer dimensions than
            are kept of it, or `sizes` do not add up to the last axis.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    equation 7.

    Example:
        >>> BlockPCA(sizes=(1024, 128), components=(512, 64))(features)
    """

    def __init__(self, sizes: Sequence[int], components: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.components = tuple(components)
        if not self.sizes or len(self.sizes) != len(self.components):
            raise ValueError(
                "sizes and components must have equally many entries, at least one; "
                f"received {list(self.sizes)} and {list(self.components)}"
            )
        for size, kept in zip(self.sizes, self.components, strict=True):
            if not 1 <= kept <= size:
                raise ValueError(
                    "components must be at least 1 and at most the size of their feature; "
                    f"received {list(self.components)} for sizes {list(self.sizes)}"
                )

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] != sum(self.sizes):
            raise ValueError(
                f"the last axis of the input must be as wide as sizes={self.sizes} together, "
                f"{sum(self.sizes)}; received shape {tuple(input_shape)}"
            )
        # Tuples, since TensorFlow's checkpoints leave out weights in lists.
        self.means = tuple(
            self.add_weight(name=f"mean_{index}", shape=(size,))
            for index, size in enumerate(self.sizes)
        )
        self.projections = tuple(
            self.add_weight(name=f"projection_{index}", shape=shape, initializer="orthogonal")
            for index, shape in enumerate(zip(self.components, self.sizes, strict=True))
        )

    def call(self, inputs: Tensor) -> Tensor:
        projected = [
            l2_normalize(ops.matmul(inputs[..., part] - mean, ops.transpose(projection)))
            for part, mean, projection in zip(
                self._parts(), self.means, self.projections, strict=True
            )
        ]
        return ops.cast(ops.concatenate(projected, axis=-1), self.compute_dtype)

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        shape = (*inputs.shape[:-1], sum(self.components))
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sizes": self.sizes, "components": self.components}

    def _parts(self) -> list[slice]:
        """Where each feature is in the last axis of the input."""
        ends = itertools.accumulate(self.sizes)
        return [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]
