"""The flags of `yt8m annotate`, without TensorFlow."""

import math
from dataclasses import dataclass

from yt8m_models.annotation.join_config import MISSING
from yt8m_models.config import DataConfig
from yt8m_models.program.option import Options, option

PCA, MOE = "pca", "moe"
CDML = "cdml"

_AT_LEAST = {
    "batch_size": 1,
    "num_epochs": 1,
    "rprop_steps": 1,
    "log_steps": 1,
    "eval_batch_size": 1,
    "top_k": 1,
    "num_readers": 1,
    "clip_gradient_norm": 0,
    "moe_l2": 0,
    "save_checkpoint_minutes": 0,
    "seed": 0,
    "max_bad_records": 0,
}


@dataclass(frozen=True)
class AnnotateConfig(Options):
    """What to train, on which records, and where the results go.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    train_data_pattern: str = option(
        "",
        "Video-level training records: file patterns with commas between, or @file with a path a "
        "line.",
    )
    eval_data_pattern: str = option("", "Validation records, on which GAP and mAP are measured.")
    output_dir: str = option("", "Directory for the results, and for the runs they come from.")
    num_mixtures: tuple[int, ...] = option(
        (5, 10, 30, 100), "Experts of each class: a model is trained with each of these numbers."
    )
    pca_components: tuple[int, ...] = option(
        (512, 64), "Dimensions that block PCA keeps of each of --feature_names."
    )
    whiten: bool = option(False, "Let all components of the PCA vary alike at the start.")
    cdml_dir: str = option(
        "",
        "Directory of embeddings (yt8m embed). They are joined to the "
        f"records, as the feature {CDML}, and every model is trained with and without them.",
    )
    cdml_components: int | None = option(
        None, "Dimensions that block PCA keeps of the embeddings of --cdml_dir; all unless given."
    )
    missing: str = option(
        "zeros",
        "Videos without an embedding in --cdml_dir: zeros in its place, counted, or an error.",
        choices=MISSING,
    )
    compare_without: str = option(
        "",
        "Train every model also without this one of --feature_names: for records that "
        "join_embeddings wrote, instead of --cdml_dir.",
    )
    batch_size: int = option(512, "Videos in a batch of Adam, and of the sums for RPROP.")
    base_learning_rate: float = option(0.008, "Learning rate of Adam.")
    num_epochs: int = option(5, "Passes over the training records with Adam.")
    clip_gradient_norm: float = option(
        1.0, "Adam: largest norm of a variable's gradient; 0 does not clip."
    )
    adam_trains_pca: bool = option(
        False, "Adam trains the PCA too; otherwise it stays as fitted until RPROP."
    )
    phases: tuple[str, ...] = option(
        (PCA, MOE, PCA, MOE),
        f"What RPROP trains after Adam, in turn: {PCA}, {MOE}. --phases= leaves RPROP out.",
    )
    rprop_steps: int = option(
        10, "Full-batch steps of RPROP in each of --phases; each is a pass over the records."
    )
    rprop_first_step: float = option(
        1e-3,
        "First change of each weight by RPROP. Too large a one spoils what Adam learnt, above all "
        "in the PCA: look at validation.csv.",
    )
    moe_l2: float = option(1e-8, "L2 penalty of the mixture of experts' weights.")
    seed: int = option(0, "Seed of the weights and of the order of the records.")
    jit_compile: bool = option(True, "Compile the steps with XLA.")
    save_checkpoint_minutes: float = option(
        15.0,
        "Minutes between checkpoints; there is one after each epoch and each of --phases anyway.",
    )
    log_steps: int = option(10, "Steps of Adam between lines of training.csv.")
    eval_batch_size: int = option(512, "Videos in a batch of validation.")
    top_k: int = option(20, "Predictions per video that count in GAP and mAP.")
    num_readers: int = option(8, "Files that are read in parallel.")
    max_bad_records: int = option(
        0, "Skip up to this many corrupt or malformed records instead of stopping at the first."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_data_pattern", "eval_data_pattern", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given; received nothing")
        for name, least in _AT_LEAST.items():
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        for name in ("base_learning_rate", "rprop_first_step"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"--{name} must be positive; received {getattr(self, name)}")
        numbers = self.num_mixtures
        if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
            raise ValueError(
                "--num_mixtures must be different numbers of at least 1; "
                f"received {','.join(map(str, numbers)) or 'none'}"
            )
        if unknown := set(self.phases) - {PCA, MOE}:
            raise ValueError(
                f"--phases must be of {PCA} and {MOE}; received {', '.join(sorted(unknown))}"
            )
        if self.missing not in MISSING:
            raise ValueError(f"--missing must be {' or '.join(MISSING)}; received {self.missing}")
        if self.cdml_dir and self.compare_without:
            raise ValueError(
                "--compare_without is for records that have the embeddings already; received it "
                f"and --cdml_dir={self.cdml_dir}"
            )
        if self.cdml_components is not None and not self.cdml_dir:
            raise ValueError(
                "--cdml_components needs --cdml_dir; those of a feature of the records belong to "
                "--pca_components"
            )


@dataclass(frozen=True)
class VideoDataConfig(DataConfig):
    """The format of the records, video level: which features, how wide, how many classes.

    Raises:
        ValueError: as from `DataConfig`, or the records are not video level.
    """

    feature_names: tuple[str, ...] = option(
        ("mean_rgb", "mean_audio"), "Features to read, in order."
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of each feature, e.g. 1024,128.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_features:
            raise ValueError("--frame_features must be false: whole videos are annotated")
