"""The assembly for video-level features."""

from typing import Any

import keras

from yt8m_models.layers.base import Tensor
from yt8m_models.models.base import BaseModel


@keras.saving.register_keras_serializable(package="yt8m_models")
class VideoLevelModel(BaseModel):
    """Classifies the mean features of a video: L2 normalisation, then a classifier.

    Input: a dict with `video_matrix`, float `(batch, D)`; further keys are not used.
    Output: predictions, float32 `(batch, num_classes)`.
    """

    def build(self, input_shape: Any = None) -> None:
        features = sum(self.data.feature_sizes)
        self.input_normalization.build((None, features))
        self.classifier.build((None, features))
        self.built = True

    def call(
        self, inputs: dict[str, Tensor], training: bool = False, return_logits: bool = False
    ) -> Tensor:
        activations = self.input_normalization(inputs["video_matrix"])
        return self.classify(activations, training, return_logits)
