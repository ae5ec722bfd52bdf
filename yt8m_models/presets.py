"""The models by name: what each preset sets of `ModelConfig`, and how it is trained.

A name that people type today is a preset of one of two assemblies, `VideoLevelModel` and
`FrameLevelModel`; every value can be changed by its flag. Values that a preset does not name are
the defaults of `ResolvedModel`.
"""

from typing import Any, NamedTuple

VIDEO_LEVEL: dict[str, dict[str, Any]] = {
    "LogisticModel": {"video_level_classifier_model": "LogisticModel"},
    "MoeModel": {"video_level_classifier_model": "MoeModel"},
}

_RECURRENT: dict[str, Any] = {
    "pool_per_feature": False,
    "iterations": 0,
    "hidden_size": 0,
    "batch_norm": False,
}
FRAME_LEVEL: dict[str, dict[str, Any]] = {
    "FrameLevelLogisticModel": {
        "pooling": "average",
        "iterations": 0,
        "hidden_size": 0,
        "batch_norm": False,
        "video_level_classifier_model": "LogisticModel",
    },
    "DbofModel": {
        "pooling": "dbof",
        "pool_per_feature": False,
        "num_clusters": 8192,
        "hidden_activation": None,  # that of the clusters
    },
    "LstmModel": {"pooling": "lstm", **_RECURRENT},
    "GruModel": {"pooling": "gru", **_RECURRENT, "recurrent_state": "all"},
    "NetVLADModelLF": {"pooling": "netvlad", "gating": True, "moe_prob_gating": True},
    "NetFVModelLF": {"pooling": "netfv", "gating": True, "moe_prob_gating": True},
    "DSGMMModel": {
        "pooling": "dsgmm",
        "final_norm": False,
        "gating": True,
        "moe_prob_gating": True,
    },
    "VLADModel": {"pooling": "vlad", "gating": True, "moe_prob_gating": True},
    "SGMMModel": {"pooling": "sgmm", "final_norm": False, "gating": True, "moe_prob_gating": True},
    "SoftDbofModelLF": {"pooling": "soft_dbof", "num_clusters": 8000},
    "GatedDbofModelLF": {"pooling": "gated_dbof", "num_clusters": 4096},
    "NeXtVLADModel": {
        "pooling": "nextvlad",
        "num_clusters": 128,
        "iterations": 0,
        "input_batch_norm": False,
        "dropout": 0.5,
        "hidden_size": 2048,
        "hidden_batch_norm": True,
        "gating": True,
        "gating_reduction": 8,
        "video_level_classifier_model": "LogisticModel",
        "moe_mix_logits": True,
    },
    "SelfAttentionModel": {"pooling": "attention", "gating": True, "moe_prob_gating": True},
}

PRESETS: dict[str, dict[str, Any]] = {**VIDEO_LEVEL, **FRAME_LEVEL}

_YOUTUBE_8M = "YouTube-8M (arXiv 1609.08675)"
_WILLOW = "Context Gating (arXiv 1706.06905)"
_DSGMM = "DSGMM (arXiv 2012.11673)"
PAPERS = {
    "LogisticModel": _YOUTUBE_8M,
    "MoeModel": _YOUTUBE_8M,
    "FrameLevelLogisticModel": _YOUTUBE_8M,
    "DbofModel": _YOUTUBE_8M,
    "LstmModel": _YOUTUBE_8M,
    "GruModel": _WILLOW,
    "NetVLADModelLF": _WILLOW,
    "NetFVModelLF": _WILLOW,
    "SoftDbofModelLF": _WILLOW,
    "GatedDbofModelLF": _WILLOW,
    "DSGMMModel": _DSGMM,
    "VLADModel": _DSGMM,
    "SGMMModel": _DSGMM,
    "NeXtVLADModel": "NeXtVLAD (arXiv 1811.05014)",
    "SelfAttentionModel": "Structured self-attention (arXiv 1703.03130)",
}


class TrainingDefaults(NamedTuple):
    """What flags of a training are unless given; those of the starter code."""

    base_learning_rate: float = 0.01
    learning_rate_decay: float = 0.95
    learning_rate_decay_examples: float = 4_000_000.0
    clip_mode: str = "per_variable"


_STARTER_CODE_TRAINING = TrainingDefaults()
# The commands of WILLOW's README; where they name no decay, it is the starter code's.
_WILLOW_TRAINING = TrainingDefaults(0.0002, 0.8)
_WILLOW_BAGS_TRAINING = TrainingDefaults(0.0002)
_WILLOW_GRU_TRAINING = TrainingDefaults(0.0002, 0.9)
# Section 4.1.2: every gradient value is clipped to [-1, 1].
_DSGMM_TRAINING = TrainingDefaults(0.0002, 0.8, clip_mode="value")
TRAINING = {
    "LogisticModel": _STARTER_CODE_TRAINING,
    "MoeModel": _STARTER_CODE_TRAINING,
    "FrameLevelLogisticModel": _STARTER_CODE_TRAINING,
    "DbofModel": _STARTER_CODE_TRAINING,
    "LstmModel": _STARTER_CODE_TRAINING,
    "GruModel": _WILLOW_GRU_TRAINING,
    "NetVLADModelLF": _WILLOW_TRAINING,
    "NetFVModelLF": _WILLOW_TRAINING,
    "SoftDbofModelLF": _WILLOW_BAGS_TRAINING,
    "GatedDbofModelLF": _WILLOW_BAGS_TRAINING,
    "DSGMMModel": _DSGMM_TRAINING,
    "VLADModel": _DSGMM_TRAINING,
    "SGMMModel": _DSGMM_TRAINING,
    "NeXtVLADModel": TrainingDefaults(0.0002, 0.8, 2_000_000.0),  # its paper
    "SelfAttentionModel": _WILLOW_TRAINING,  # its assembly; the paper has other data
}
