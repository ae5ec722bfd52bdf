"""What an embedding model is, as plain values; imports neither TensorFlow nor Keras."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yt8m_models.config import ASSIGNMENTS
from yt8m_models.program.option import Options, option

FUSIONS = ("late", "early", "frames")
MININGS = ("random", "semi_hard", "hardest", "none")


@dataclass(frozen=True)
class EmbeddingConfig(Options):
    """The embedding model: how features become one vector."""

    fusion: str = option(
        "late",
        "Video-level features: early concatenates them before the fully connected layers, late "
        "gives each layers of its own and multiplies their outputs element by element. frames "
        "pools frame-level features, and layers follow.",
        choices=FUSIONS,
    )
    hidden_size: tuple[int, ...] = option(
        (4000,),
        "Widths of the hidden layers before the embedding, e.g. 4000 or 4000,1000; nothing for "
        "none. After pooled frames, which are wide, 1024 is more fitting.",
        aliases=("hidden",),
        at_least=1,
    )
    embedding_size: int = option(256, "Width of the embedding.", at_least=1)
    hidden_activation: str = option(
        "relu",
        "Activation of the hidden layers; the last layer is linear.",
        choices=("relu", "relu6", "elu", "gelu", "tanh", "none"),
    )
    per_feature_l2_norm: bool = option(
        True, "L2-normalise each input feature by itself instead of all together."
    )
    pooling: str = option(
        "dsgmm", "Fusion of frames: pooling over the frames.", choices=("netvlad", "dsgmm")
    )
    num_clusters: int = option(64, "Fusion of frames: clusters K of the first feature.", at_least=1)
    num_clusters_audio: int | None = option(
        None, "Fusion of frames: clusters of each further feature; K / 2 unless given.", at_least=1
    )
    assignment: str = option(
        "decoupled", "Fusion of frames: how frames are assigned to clusters.", choices=ASSIGNMENTS
    )
    gamma: float = option(0.125, "Fusion of frames: smoothing of DSGMM.", at_least=0)
    intra_norm: bool = option(
        True, "Fusion of frames: L2-normalise what the pooling says of each cluster."
    )
    final_norm: bool = option(False, "Fusion of frames: L2-normalise the whole pooled vector.")
    batch_norm: bool = option(
        True, "Fusion of frames: batch normalisation of frames and of their assignment."
    )
    sample_frames: int = option(
        30,
        "Fusion of frames: frames sampled of each video in training, at random with replacement; "
        "0 trains on all. Embeddings are always of all frames.",
        at_least=0,
    )

    def record(self) -> dict[str, Any]:
        """The same as values that JSON can hold, of which identities of models are hashes.

        So it calls `hidden_size` `hidden`, as at first, and leaves out the norms of before there
        were flags for them: intra-norm, and a final norm of NetVLAD alone.
        """
        record = dataclasses.asdict(self)
        record["hidden"] = list(record.pop("hidden_size"))
        norms = _first_norms(self.pooling)
        return {key: record[key] for key in record if record[key] != norms.get(key)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "EmbeddingConfig":
        """Inverse of `record`; other keys that are absent take their defaults.

        Raises:
            ValueError: a key is not known, or a value is outside its range.
        """
        record = {"hidden_size" if key == "hidden" else key: record[key] for key in record}
        unknown = sorted(set(record) - {field.name for field in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"unknown keys of an embedding model: {', '.join(unknown)}")
        norms = _first_norms(record.get("pooling", cls.pooling))
        config = cls(**{**norms, **record})
        return dataclasses.replace(config, hidden_size=tuple(config.hidden_size))


def _first_norms(pooling: str) -> dict[str, bool]:
    """The norms that a pooling had before there were flags for them."""
    return {"intra_norm": True, "final_norm": pooling == "netvlad"}
