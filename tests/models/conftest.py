"""What the tests of models share."""

import pytest

from yt8m_models.config import DataConfig


@pytest.fixture
def small_data():
    """`small_data(frame_features)`: two features of 6 and 2 values, 5 classes."""

    def build(frame_features):
        names = ("rgb", "audio") if frame_features else ("mean_rgb", "mean_audio")
        return DataConfig(names, (6, 2), frame_features, num_classes=5)

    return build
