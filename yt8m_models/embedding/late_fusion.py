"""Late fusion of video-level features."""

import keras

from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class LateFusion(EmbeddingModel):
    """Embeds each feature by itself and multiplies: `f(x) = p / |p|`, `p = t_1(x_1) ∘ … ∘ t_m(x_m)`

    with the product `∘` element by element, and each `t_i` a `Tower` of fully connected layers of
    its own. With one feature it is early fusion. Arguments and errors are those of
    `EmbeddingModel`.

    Input: a dict with `video_matrix`, float or uint8 `(batch, D)`; further keys are not used.
    Output: float32 `(batch, embedding_size)`.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    late fusion.

    Example:
        >>> config = EmbeddingConfig(fusion="late")
        >>> LateFusion(config, ("mean_rgb", "mean_audio"), (1024, 128))({"video_matrix": features})
    """

    FUSION = "late"

    def __init__(self, config, feature_names, feature_sizes, **kwargs):
        super().__init__(config, feature_names, feature_sizes, **kwargs)
        self.towers = [self.tower(f"tower_{index}") for index in range(len(self.feature_sizes))]
        for tower in self.towers:
            setattr(self, tower.name, tower)  # checkpoints follow attributes, not lists

    def build(self, input_shape=None):
        self.input_normalization.build((None, sum(self.feature_sizes)))
        for tower, size in zip(self.towers, self.feature_sizes, strict=True):
            tower.build((None, size))
        self.built = True

    def call(self, inputs, training=False):
        parts = self.split(self.normalize(inputs["video_matrix"]))
        product = self.towers[0](parts[0])
        for tower, part in zip(self.towers[1:], parts[1:], strict=True):
            product = product * tower(part)
        return l2_normalize(product)
