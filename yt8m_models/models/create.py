"""Building a model from its configuration."""

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.models.base import BaseModel
from yt8m_models.models.frame_level import FrameLevelModel
from yt8m_models.models.video_level import VideoLevelModel
from yt8m_models.presets import FRAME_LEVEL


def create_model(config: ModelConfig, data: DataConfig, sample_frames: int = 0) -> BaseModel:
    """A built model with fresh weights.

    Args:
        config: the model; `None` values are taken from its preset.
        data: the features' sizes, the number of classes, and whether records are frame level.
        sample_frames: frames that a frame-level model samples from those it is given, in training
            and inference alike; 0 takes them all. The training program samples while reading.

    Raises:
        ValueError: the preset is not known, or it needs the other level of features.
    """
    frame_level = config.model in FRAME_LEVEL
    resolved = config.resolved()
    if frame_level != data.frame_features:
        wanted = "needs --frame_features" if frame_level else "takes video-level features"
        raise ValueError(
            f"--model={config.model} {wanted}; received frame_features={data.frame_features}"
        )
    if frame_level:
        model: BaseModel = FrameLevelModel(resolved, data, sample_frames=sample_frames)
    else:
        model = VideoLevelModel(resolved, data)
    model.build()
    return model
