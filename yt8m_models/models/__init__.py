"""The two assemblies of layers, and `create_model`, which builds either from its configuration.

The annotation model of CDML, `annotation_model`, is one by itself.
"""

from yt8m_models.models.create import create_model
from yt8m_models.models.frame_level import FrameLevelModel
from yt8m_models.models.video_level import VideoLevelModel

__all__ = ["FrameLevelModel", "VideoLevelModel", "create_model"]
