"""The flags of `yt8m train-embedding`, without TensorFlow and NumPy."""

import math
from dataclasses import dataclass

from yt8m_models.embedding.config import MININGS
from yt8m_models.program.option import Options, option
from yt8m_models.training.config import CLIP_MODES, OPTIMIZERS

LOSSES = {
    "hinge": "TripletHingeLoss",
    "log": "TripletLogLoss",
    "exponential": "TripletExponentialLoss",
}
NEGATIVES = ("uniform", "shown")

_CHOICES = {
    "loss": tuple(LOSSES),
    "mining": MININGS,
    "negatives": NEGATIVES,
    "optimizer": OPTIMIZERS,
    "clip_mode": CLIP_MODES,
}
_AT_LEAST = {
    "batch_size": 1,
    "max_steps": 1,
    "learning_rate_decay_steps": 1,
    "export_model_steps": 1,
    "keep_checkpoints": 1,
    "log_steps": 1,
    "validation_queries": 1,
    "validation_candidates": 1,
    "eval_batch_size": 1,
    "margin": 0,
    "clip_gradient_norm": 0,
    "save_checkpoint_minutes": 0,
    "projector_videos": 0,
    "seed": 0,
}


@dataclass(frozen=True)
class EmbeddingTrainConfig(Options):
    """How to train: where, on which graph and features, and by which steps.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    train_dir: str = option(
        "",
        "Directory for checkpoints and summaries. Training resumes from what it holds.",
    )
    graph_dir: str = option("", "Co-watch graph, as written by yt8m build-graph.")
    features_dir: str = option(
        "",
        "Features of the videos, as written by yt8m build-features.",
    )
    feature_names: tuple[str, ...] = option(
        (), "Features to embed, in order, e.g. mean_rgb,mean_audio; all of them unless given."
    )
    start_new_model: bool = option(
        False, "Remove what an earlier training wrote to --train_dir instead of resuming it."
    )
    loss: str = option("hinge", f"Triplet loss: {', '.join(LOSSES)}.", choices=tuple(LOSSES))
    margin: float = option(
        0.2, "How much further than the positive, in squared distance, a negative is to be."
    )
    mining: str = option(
        "semi_hard",
        "Which of the batch's negatives an anchor takes: any (random), the nearest beyond the "
        "positive (semi_hard), the nearest (hardest), or its own (none).",
        choices=MININGS,
    )
    negatives: str = option(
        "uniform",
        "Where negatives come from: all training videos (uniform), or videos that were shown to a "
        "user who watched the anchor, and not co-watched (shown).",
        choices=NEGATIVES,
    )
    batch_size: int = option(7200, "Triplets in a batch.")
    base_learning_rate: float = option(0.001, "Learning rate of the first step.")
    learning_rate_decay: float = option(
        0.95, "Factor of the learning rate every --learning_rate_decay_steps."
    )
    learning_rate_decay_steps: int = option(
        100000, "Steps after which the learning rate is multiplied by --learning_rate_decay."
    )
    max_steps: int = option(100000, "Stop after this many steps.", aliases=("max_step",))
    optimizer: str = option("AdamOptimizer", f"One of {', '.join(OPTIMIZERS)}.", choices=OPTIMIZERS)
    clip_gradient_norm: float = option(1.0, "Largest norm of a gradient; 0 does not clip.")
    clip_mode: str = option(
        "global",
        "Clip the gradient of each variable by its own norm (per_variable), or all of them by the "
        "norm of all together (global).",
        choices=CLIP_MODES,
    )
    seed: int = option(0, "Seed of the weights, of the triplets and of the validation videos.")
    jit_compile: bool = option(True, "Compile the training step with XLA.")
    export_model_steps: int = option(1000, "Steps between checkpoints, each of which is validated.")
    save_checkpoint_minutes: float = option(
        15.0, "Save a checkpoint after this many minutes too; 0 saves by steps alone."
    )
    keep_checkpoints: int = option(5, "How many of the latest checkpoints to keep.")
    log_steps: int = option(10, "Steps between lines with the loss of a batch.")
    validation_fraction: float = option(
        0.1,
        "Share of the training videos that are kept out of the triplets, to be retrieved by others "
        "(NDCG@10): the checkpoint that does it best is kept in train_dir/best. 0 trains on all.",
    )
    validation_candidates: int = option(
        10000, "Keep out no more videos than this, however large their share is."
    )
    validation_queries: int = option(
        1000, "Training videos, co-watched with some of those, that they are retrieved for."
    )
    eval_batch_size: int = option(1024, "Videos in a batch of validation.")
    projector_videos: int = option(
        2000, "Videos that TensorBoard's projector shows at the end of training; 0 for none."
    )
    projector_records: str = option(
        "",
        "Records of these videos, of any level, whose labels the projector shows: file patterns "
        "with commas between, or @file with a path a line.",
    )
    vocabulary: str = option(
        "", "Names of the classes for the projector: a vocabulary.csv with Index and Name."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_dir", "graph_dir", "features_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must name a directory; received nothing")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"--{name} must be one of {', '.join(choices)}; received {getattr(self, name)}"
                )
        for name, least in _AT_LEAST.items():
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        for name in ("base_learning_rate", "learning_rate_decay"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"--{name} must be positive; received {getattr(self, name)}")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                f"--validation_fraction must be from 0 to below 1; received "
                f"{self.validation_fraction}"
            )
        if self.vocabulary and not self.projector_records:
            raise ValueError("--vocabulary needs --projector_records, which have the labels")
