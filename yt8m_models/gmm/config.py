"""The flags of `yt8m train-ubm`, without TensorFlow."""

import math
from dataclasses import dataclass

from yt8m_models.config import DataConfig
from yt8m_models.program.option import Options, option

COVARIANCE_TYPES = ("tied", "diagonal", "spherical")

_AT_LEAST = {
    "num_clusters": 1,
    "num_clusters_audio": 1,
    "max_iterations": 1,
    "num_readers": 1,
    "tolerance": 0,
    "max_frames": 0,
    "sample_frames": 0,
    "cache_gb": 0,
    "seed": 0,
    "max_bad_records": 0,
}


@dataclass(frozen=True)
class UBMConfig(Options):
    """The universal background model (UBM): its clusters, its frames and where it goes.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    train_data_pattern: str = option(
        "", "Frame-level records: file patterns with commas between, or @file with a path a line."
    )
    output_dir: str = option(
        "", "Directory for the UBM and its checkpoint. Training resumes from what it holds."
    )
    overwrite: bool = option(
        False, "Replace what an earlier run wrote to --output_dir instead of resuming it."
    )
    num_clusters: int = option(256, "Clusters K of the first feature.")
    num_clusters_audio: int | None = option(
        None, "Clusters of each further feature; K / 2 unless given."
    )
    pool_per_feature: bool = option(
        True, "A UBM for each feature (rgb, audio); otherwise one for all features together."
    )
    per_feature_l2_norm: bool = option(
        False, "L2-normalise each feature by itself instead of all together."
    )
    covariance_type: str = option(
        "tied",
        "The covariance, which all clusters share: tied (one full matrix, scikit-learn's 'tied'), "
        "diagonal (one variance a dimension) or spherical (one variance). scikit-learn's 'diag' "
        "and 'spherical' have one of each for every cluster.",
        choices=COVARIANCE_TYPES,
    )
    covariance_floor: float = option(1e-6, "Least variance in any direction.")
    max_iterations: int = option(100, "Stop after this many iterations.")
    tolerance: float = option(
        1e-3, "Stop when an iteration gains less log-likelihood per frame than this."
    )
    max_frames: int = option(
        0, "Use so many frames at most, those of videos drawn at random; 0 uses all."
    )
    sample_frames: int = option(
        0, "Frames drawn per video, at random with replacement; 0 takes every frame."
    )
    cache_gb: float = option(
        4.0,
        "Memory (GiB) for keeping the frames, a byte a value, between iterations. Frames that need "
        "more are read from the records again in each iteration.",
    )
    seed: int = option(0, "Seed of the start and of the frames that are drawn.")
    num_readers: int = option(8, "Files that are read in parallel.")
    max_bad_records: int = option(
        0, "Skip up to this many corrupt or malformed records instead of stopping at the first."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_data_pattern", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given; received nothing")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise ValueError(f"--{name} must be at least {least}; received {value}")
        if not 0 < self.covariance_floor < math.inf:
            raise ValueError(
                f"--covariance_floor must be positive; received {self.covariance_floor}"
            )
        if self.covariance_type not in COVARIANCE_TYPES:
            raise ValueError(
                f"--covariance_type must be one of {', '.join(COVARIANCE_TYPES)}; "
                f"received {self.covariance_type}"
            )


@dataclass(frozen=True)
class FrameFormat(Options):
    """The format of the frame-level records."""

    feature_names: tuple[str, ...] = option(
        ("rgb", "audio"), "Features to read, in order; the model's --feature_names."
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of each feature.")
    frame_features: bool = option(True, "Records are frame level; nothing else will do.")
    num_classes: int = option(3862, "Labels are 0 to num_classes - 1; they are checked, not used.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data()

    def data(self) -> DataConfig:
        """The same as a `DataConfig`."""
        if not self.frame_features:
            raise ValueError("--frame_features must be true: a UBM describes frames")
        return DataConfig(
            self.feature_names,
            self.feature_sizes,
            frame_features=True,
            num_classes=self.num_classes,
        )
