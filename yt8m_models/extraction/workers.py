"""Video files and networks as workers of a cluster find them."""

import dataclasses
from typing import Any

from yt8m_models.engines.spread import absolute
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Extracted, Failure
from yt8m_models.extraction.video_list import Video

_FILES = ("rgb_weights", "audio_weights", "rgb_pca", "audio_pca")


def as_workers_find_it(config: ExtractionConfig) -> ExtractionConfig:
    """The same features, of files with absolute paths."""
    there: dict[str, Any] = {name: absolute(getattr(config, name)) for name in _FILES}
    return dataclasses.replace(config, **there)


def as_listed(result: Extracted | Failure, video: Video) -> Extracted | Failure:
    """A result of a video that was read by another path, with that of the list of videos."""
    if isinstance(result, Failure):
        return Failure(video, result.reason.replace(result.video.path, video.path))
    return dataclasses.replace(result, video=video)
