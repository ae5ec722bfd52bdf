"""The models by name: what each preset sets of `ModelConfig`.

A name that people type today is a preset of one of two assemblies, `VideoLevelModel` and
`FrameLevelModel`; every value can be changed by its flag. Values that a preset does not name are
those of `DEFAULTS`.
"""

from typing import Any

DEFAULTS: dict[str, Any] = {
    "pooling": "average",
    "pool_per_feature": True,
    "num_clusters": 256,
    "num_clusters_audio": None,  # half of num_clusters; an eighth of it for a bag of frames
    "assignment": "decoupled",
    "initial_scale": None,  # fits the normalisation of the input
    "statistics": ("means",),
    "gamma": 0.125,
    "gamma_weights": None,  # gamma
    "gamma_means": None,
    "gamma_covariances": None,
    "fv_couple_weights": False,
    "fv_coupling_factor": 0.01,
    "intra_norm": True,
    "final_norm": True,
    "iterations": 30,
    "sample_random_frames": True,
    "hidden_size": 1024,
    "hidden_activation": "none",
    "batch_norm": True,
    "input_batch_norm": True,
    "hidden_batch_norm": None,  # where the dense layer has an activation
    "batch_norm_decay": 0.999,
    "gating": False,
    "gating_remove_diag": False,
    "gating_reduction": 0,
    "dropout": 0.0,
    "per_feature_l2_norm": False,
    "dbof_pooling_method": "max",
    "dbof_activation": "sigmoid",
    "softdbof_maxpool": False,
    "nextvlad_groups": 8,
    "nextvlad_expansion": 2,
    "attention_heads": 8,
    "attention_size": 256,
    "recurrent_cells": 1024,
    "recurrent_layers": 2,
    "recurrent_backward": False,
    "recurrent_state": "last",
    "video_level_classifier_model": "MoeModel",
    "moe_num_mixtures": 2,
    "moe_l2": 1e-8,
    "moe_prob_gating": False,
    "moe_low_rank_gating": 0,
    "moe_mix_logits": False,
}

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
    "SGMMModel": {
        "pooling": "sgmm",
        "final_norm": False,
        "gating": True,
        "moe_prob_gating": True,
    },
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
