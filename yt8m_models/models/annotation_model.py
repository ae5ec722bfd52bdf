"""The annotation model of CDML."""

from collections.abc import Sequence
from typing import Any

import keras

from yt8m_models.layers import MixtureOfExperts
from yt8m_models.layers.base import Tensor
from yt8m_models.models.block_pca import BlockPCA


@keras.saving.register_keras_serializable(package="yt8m_models")
class AnnotationModel(keras.Model):
    """Block PCA of the features of a video, then a mixture of experts for each class.

    Args:
        sizes: widths of the features side by side in `video_matrix`.
        components: dimensions that are kept of each.
        num_classes: C.
        num_mixtures: experts of each class.
        l2: penalty of the experts' and gates' weights, see `MixtureOfExperts`.
        expert_bias: whether experts have a bias; the paper's have none.

    Input: a dict with `video_matrix`, float `(batch, Σ sizes)`; further keys are not used.
    Output: predictions, float32 `(batch, C)`.

    Raises:
        ValueError: as from `BlockPCA` and `MixtureOfExperts`.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    the section on video annotation.

    Example:
        >>> model = AnnotationModel((1024, 128, 256), (512, 64, 128), 3862, num_mixtures=10)
        >>> model({"video_matrix": features})
    """

    def __init__(
        self,
        sizes: Sequence[int],
        components: Sequence[int],
        num_classes: int,
        num_mixtures: int = 10,
        l2: float = 1e-8,
        expert_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.components = tuple(components)
        self.num_classes = num_classes
        self.num_mixtures = num_mixtures
        self.l2 = l2
        self.expert_bias = expert_bias
        self.block_pca = BlockPCA(self.sizes, self.components, name="block_pca")
        self.classifier = MixtureOfExperts(
            num_classes, num_mixtures, l2=l2, expert_bias=expert_bias, name="classifier"
        )

    def build(self, input_shape: Any = None) -> None:
        self.block_pca.build((None, sum(self.sizes)))
        self.classifier.build((None, sum(self.components)))
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        return self.classifier(self.block_pca(inputs["video_matrix"]), training=training)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sizes": self.sizes,
            "components": self.components,
            "num_classes": self.num_classes,
            "num_mixtures": self.num_mixtures,
            "l2": self.l2,
            "expert_bias": self.expert_bias,
        }
