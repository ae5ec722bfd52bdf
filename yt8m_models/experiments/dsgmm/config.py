"""The flags of the experiments, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass
from typing import Any

from yt8m_models.config import DataConfig
from yt8m_models.experiments.common.config import ExperimentConfig
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import TrainConfig

SPLITS = 1
TABLES = (SPLITS, 2, 3, 4, 5)
EVERY_POOLING = 0
FIGURES = (2, 3)


@dataclass(frozen=True)
class TablesConfig(ExperimentConfig):
    """What to compare, on which records, and where the results go."""

    tables: tuple[int, ...] = option(
        TABLES,
        "Tables of the paper. 1: how many videos the records have, which reads the head of each; "
        "2: average pooling, VLAD, SGMM, NetVLAD and DSGMM; 3: NetBoW, NetFV, "
        "NetRVLAD, NetVLAD and DSGMM; 4: NetVLAD and DSGMM with both norms on and off; 5: NetVLAD "
        "and DSGMM with each assignment. 0 is not the paper's: every pooling of the zoo.",
        choices=(*TABLES, EVERY_POOLING),
    )
    figures: tuple[int, ...] = option(
        FIGURES, "Figures of the paper. 2: the number of clusters; 3: gamma.", choices=FIGURES
    )
    train_data_pattern: str = option(
        "",
        "Training records: file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    validation_data_pattern: str = option(
        "",
        "Records that choose the checkpoint: the one with the lowest loss on them is tested. "
        "Without them it is the last.",
    )
    test_data_pattern: str = option("", "Records for the results.", required=True)
    cluster_counts: tuple[int, ...] = option(
        (1, 2, 4, 8, 16, 32, 64, 128, 256, 511),
        "Figure 2: the numbers of clusters.",
        required=True,
        at_least=1,
        distinct=True,
    )
    gamma_exponents: tuple[int, ...] = option(
        tuple(range(-9, 3)), "Figure 3: gamma is 0, and 2 to the power of each."
    )
    ubm_max_frames: int = option(
        1_000_000,
        "Frames at most for the background models of VLAD and SGMM; 0 uses all.",
        at_least=0,
    )


@dataclass(frozen=True)
class TrainingFlags(Options):
    """How every row is trained: options of `TrainConfig`, with the paper's settings as defaults.

    The paper does not say how many videos a batch has, nor for how long it trains.
    """

    batch_size: int = same_option(TrainConfig, "batch_size", 128)
    base_learning_rate: float = same_option(TrainConfig, "base_learning_rate", 0.0002)
    learning_rate_decay: float = same_option(TrainConfig, "learning_rate_decay", 0.8)
    learning_rate_decay_examples: float = same_option(
        TrainConfig, "learning_rate_decay_examples", 4_000_000.0
    )
    mixup: float = same_option(TrainConfig, "mixup")
    ema_decay: float = same_option(TrainConfig, "ema_decay")
    num_epochs: int = same_option(TrainConfig, "num_epochs")
    max_steps: int | None = same_option(TrainConfig, "max_steps")
    early_stopping_patience: int = same_option(TrainConfig, "early_stopping_patience")
    export_model_steps: int = same_option(TrainConfig, "export_model_steps")
    save_checkpoint_minutes: float = same_option(TrainConfig, "save_checkpoint_minutes")
    optimizer: str = same_option(TrainConfig, "optimizer")
    clip_gradient_norm: float = same_option(TrainConfig, "clip_gradient_norm")
    clip_mode: str = same_option(TrainConfig, "clip_mode", "value")
    label_loss: str = same_option(TrainConfig, "label_loss")
    regularization_penalty: float = same_option(TrainConfig, "regularization_penalty")
    eval_batch_size: int = same_option(TrainConfig, "eval_batch_size")
    eval_sample_frames: int = same_option(TrainConfig, "eval_sample_frames", 30)
    top_k: int = same_option(TrainConfig, "top_k")
    jit_compile: bool = same_option(TrainConfig, "jit_compile")
    deterministic: bool = same_option(TrainConfig, "deterministic")
    strategy: str = same_option(TrainConfig, "strategy")
    num_readers: int = same_option(TrainConfig, "num_readers")
    max_bad_records: int = same_option(TrainConfig, "max_bad_records")
    log_steps: int = same_option(TrainConfig, "log_steps", 100)

    def train_config(self, **where: Any) -> TrainConfig:
        """These flags with `where` to train, and on what."""
        return TrainConfig(**where, keep_checkpoints=1, **vars(self))


@dataclass(frozen=True)
class FrameDataConfig(DataConfig):
    """The format of the records, frame level: which features, how wide, how many classes."""

    feature_names: tuple[str, ...] = same_option(DataConfig, "feature_names", ("rgb",))
    feature_sizes: tuple[int, ...] = same_option(DataConfig, "feature_sizes", (1024,))
    frame_features: bool = option(True, "Records are frame level, as pooling needs them.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.frame_features:
            raise ValueError("--frame_features must be true: the rows pool frames; received false")
        if self.segment_labels:
            raise ValueError("--segment_labels must be false: videos are tested; received true")
