"""What an embedding model is, as plain values; imports neither TensorFlow nor Keras."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yt8m_models.config import ASSIGNMENTS
from yt8m_models.program.option import Options, option

FUSIONS = ("late", "early", "frames")
FRAME_POOLINGS = ("netvlad", "dsgmm")
ACTIVATIONS = ("relu", "relu6", "elu", "gelu", "tanh", "none")
MININGS = ("random", "semi_hard", "hardest", "none")

_CHOICES = {
    "fusion": FUSIONS,
    "hidden_activation": ACTIVATIONS,
    "pooling": FRAME_POOLINGS,
    "assignment": ASSIGNMENTS,
}
_AT_LEAST = {
    "embedding_size": 1,
    "num_clusters": 1,
    "num_clusters_audio": 1,
    "gamma": 0,
    "sample_frames": 0,
}


@dataclass(frozen=True)
class EmbeddingConfig(Options):
    """The embedding model: how features become one vector.

    Raises:
        ValueError: a value is outside its range; the message names the flag.
    """

    fusion: str = option(
        "late",
        "Video-level features: early concatenates them before the fully connected layers, late "
        "gives each layers of its own and multiplies their outputs element by element. frames "
        "pools frame-level features, and layers follow.",
        choices=FUSIONS,
    )
    hidden: tuple[int, ...] = option(
        (4000,),
        "Widths of the hidden layers before the embedding, e.g. 4000 or 4000,1000; nothing for "
        "none. After pooled frames, which are wide, 1024 is more fitting.",
    )
    embedding_size: int = option(256, "Width of the embedding.")
    hidden_activation: str = option(
        "relu", "Activation of the hidden layers; the last layer is linear.", choices=ACTIVATIONS
    )
    per_feature_l2_norm: bool = option(
        True, "L2-normalise each input feature by itself instead of all together."
    )
    pooling: str = option(
        "dsgmm", "Fusion of frames: pooling over the frames.", choices=FRAME_POOLINGS
    )
    num_clusters: int = option(64, "Fusion of frames: clusters K of the first feature.")
    num_clusters_audio: int | None = option(
        None, "Fusion of frames: clusters of each further feature; K / 2 unless given."
    )
    assignment: str = option(
        "decoupled",
        f"Fusion of frames: how frames are assigned to clusters: {', '.join(ASSIGNMENTS)}.",
        choices=ASSIGNMENTS,
    )
    gamma: float = option(0.125, "Fusion of frames: smoothing of DSGMM.")
    batch_norm: bool = option(
        True, "Fusion of frames: batch normalisation of frames and of their assignment."
    )
    sample_frames: int = option(
        30,
        "Fusion of frames: frames sampled of each video in training, at random with replacement; "
        "0 trains on all. Embeddings are always of all frames.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"--{name} must be one of {', '.join(choices)}; received {getattr(self, name)}"
                )
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise ValueError(f"--{name} must be at least {least}; received {value}")
        if min(self.hidden, default=1) < 1:
            raise ValueError(f"--hidden must be widths of at least 1; received {list(self.hidden)}")

    def record(self) -> dict[str, Any]:
        """The same as values that JSON can hold."""
        return {**dataclasses.asdict(self), "hidden": list(self.hidden)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "EmbeddingConfig":
        """Inverse of `record`; keys that are absent take their defaults.

        Raises:
            ValueError: a key is not known, or a value is outside its range.
        """
        unknown = sorted(set(record) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"unknown keys of an embedding model: {', '.join(unknown)}")
        config = cls(**record)
        return dataclasses.replace(config, hidden=tuple(config.hidden))
