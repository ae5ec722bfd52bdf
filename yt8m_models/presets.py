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
    "num_clusters_audio": None,  # half of num_clusters
    "assignment": "decoupled",
    "gamma": 0.125,
    "intra_norm": True,
    "final_norm": True,
    "iterations": 30,
    "sample_random_frames": True,
    "hidden_size": 1024,
    "hidden_activation": "none",
    "batch_norm": True,
    "batch_norm_decay": 0.999,
    "gating": False,
    "gating_remove_diag": False,
    "per_feature_l2_norm": False,
    "dbof_pooling_method": "max",
    "dbof_activation": "sigmoid",
    "video_level_classifier_model": "MoeModel",
    "moe_num_mixtures": 2,
    "moe_l2": 1e-8,
    "moe_prob_gating": False,
    "moe_low_rank_gating": 0,
}

VIDEO_LEVEL: dict[str, dict[str, Any]] = {
    "LogisticModel": {"video_level_classifier_model": "LogisticModel"},
    "MoeModel": {"video_level_classifier_model": "MoeModel"},
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
    "NetVLADModelLF": {"pooling": "netvlad", "gating": True, "moe_prob_gating": True},
    "DSGMMModel": {
        "pooling": "dsgmm",
        "final_norm": False,
        "gating": True,
        "moe_prob_gating": True,
    },
}

PRESETS: dict[str, dict[str, Any]] = {**VIDEO_LEVEL, **FRAME_LEVEL}
