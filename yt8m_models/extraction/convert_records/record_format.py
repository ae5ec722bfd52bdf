"""The formats that records are converted from, and how they are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.extraction.convert_records.config import AUDIOSET, MEDIAPIPE, YT8M


@dataclass(frozen=True)
class RecordFormat:
    """A format of frame-level records.

    Attributes:
        features: its feature lists, each with its name in YouTube-8M; `None` where they have that.
        keeps_context: whether what else the context has is kept.
        frame_microseconds: from one frame to the next.
    """

    features: Mapping[str, str] | None
    keeps_context: bool
    frame_microseconds: int = 1_000_000

    def features_in(self, lists: Mapping[str, tf.train.FeatureList]) -> dict[str, str]:
        """Those of its feature lists that are there, each with its name in YouTube-8M."""
        if self.features is None:
            return {key: key for key in sorted(lists)}
        return {key: name for key, name in self.features.items() if key in lists}


FORMATS = {
    YT8M: RecordFormat(None, keeps_context=True),
    # AudioSet's frames are 0.96 s apart.
    AUDIOSET: RecordFormat({"audio_embedding": "audio"}, True, frame_microseconds=960_000),
    MEDIAPIPE: RecordFormat({"RGB/feature/floats": "rgb", "AUDIO/feature/floats": "audio"}, False),
}


def detect(example: tf.train.SequenceExample) -> str:
    """The name of the format that a record looks like.

    Raises:
        ValueError: it looks like none.
    """
    lists, context = example.feature_lists.feature_list, example.context.feature
    for name in (MEDIAPIPE, AUDIOSET):
        if FORMATS[name].features_in(lists):
            return name
    if "id" in context or "video_id" in context:
        return YT8M
    raise ValueError(
        "--from=auto: the record looks like no known format; it has the feature lists "
        f"{_names(lists)} and in its context {_names(context)}"
    )


def _names(features: Mapping[str, object]) -> str:
    return ", ".join(sorted(features)) if features else "none"
