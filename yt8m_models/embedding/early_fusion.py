"""Early fusion of video-level features."""

import keras

from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class EarlyFusion(EmbeddingModel):
    """Embeds all features together: `f(x) = t([x_1, …, x_m]) / |t([x_1, …, x_m])|`.

    `t` is a `Tower` of fully connected layers. Arguments and errors are those of `EmbeddingModel`.

    Input: a dict with `video_matrix`, float or uint8 `(batch, D)`; further keys are not used.
    Output: float32 `(batch, embedding_size)`.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    early fusion.

    Example:
        >>> config = EmbeddingConfig(fusion="early")
        >>> EarlyFusion(config, ("mean_rgb", "mean_audio"), (1024, 128))({"video_matrix": features})
    """

    FUSION = "early"

    def __init__(self, config, feature_names, feature_sizes, **kwargs):
        super().__init__(config, feature_names, feature_sizes, **kwargs)
        self.embed = self.tower("tower")

    def build(self, input_shape=None):
        features = (None, sum(self.feature_sizes))
        self.input_normalization.build(features)
        self.embed.build(features)
        self.built = True

    def call(self, inputs, training=False):
        return l2_normalize(self.embed(self.normalize(inputs["video_matrix"])))
