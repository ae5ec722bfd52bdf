"""The flags of `yt8m train-ubm`, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.config import DataConfig
from yt8m_models.program.option import Options, option, same_option

COVARIANCE_TYPES = ("tied", "diagonal", "spherical")


@dataclass(frozen=True)
class UBMConfig(Options):
    """The universal background model (UBM): its clusters, its frames and where it goes."""

    train_data_pattern: str = option(
        "",
        "Frame-level records: file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory for the UBM and its checkpoint. Training resumes from what it holds.",
        required=True,
    )
    overwrite: bool = option(
        False, "Replace what an earlier run wrote to --output_dir instead of resuming it."
    )
    num_clusters: int = option(256, "Clusters K of the first feature.", at_least=1)
    num_clusters_audio: int | None = option(
        None, "Clusters of each further feature; K / 2 unless given.", at_least=1
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
    covariance_floor: float = option(1e-6, "Least variance in any direction.", above=0)
    max_iterations: int = option(100, "Stop after this many iterations.", at_least=1)
    tolerance: float = option(
        1e-3, "Stop when an iteration gains less log-likelihood per frame than this.", at_least=0
    )
    max_frames: int = option(
        0, "Use so many frames at most, those of videos drawn at random; 0 uses all.", at_least=0
    )
    sample_frames: int = option(
        0, "Frames drawn per video, at random with replacement; 0 takes every frame.", at_least=0
    )
    cache_gb: float = option(
        4.0,
        "Memory (GiB) for keeping the frames, a byte a value, between iterations. Frames that need "
        "more are read from the records again in each iteration.",
        at_least=0,
    )
    seed: int = option(0, "Seed of the start and of the frames that are drawn.", at_least=0)
    num_readers: int = option(8, "Files that are read in parallel.", at_least=1)
    max_bad_records: int = option(
        0,
        "Skip up to this many corrupt or malformed records instead of stopping at the first.",
        at_least=0,
    )


@dataclass(frozen=True)
class FrameFormat(Options):
    """The format of the frame-level records."""

    feature_names: tuple[str, ...] = same_option(DataConfig, "feature_names", ("rgb", "audio"))
    feature_sizes: tuple[int, ...] = same_option(DataConfig, "feature_sizes", (1024, 128))
    frame_features: bool = option(True, "Records are frame level; nothing else will do.")
    num_classes: int = same_option(DataConfig, "num_classes")
    unequal_frames: str = same_option(DataConfig, "unequal_frames")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.data()

    def data(self) -> DataConfig:
        """The same as a `DataConfig`."""
        if not self.frame_features:
            raise ValueError("--frame_features must be true: a UBM describes frames")
        return DataConfig(**vars(self))
