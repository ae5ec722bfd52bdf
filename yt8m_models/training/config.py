"""The flags of the training program, without TensorFlow (see `yt8m_models.program.command`)."""

import math
from dataclasses import dataclass

from yt8m_models.program.option import Options, option

LABEL_LOSSES = ("CrossEntropyLoss", "HingeLoss", "SoftmaxLoss")
OPTIMIZERS = (
    "AdamOptimizer",
    "AdamWOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "AdagradOptimizer",
    "RMSPropOptimizer",
    "Adam",
    "AdamW",
    "SGD",
    "Adagrad",
    "RMSprop",
    "Lion",
)
CLIP_MODES = ("per_variable", "global")
STRATEGIES = ("auto", "default", "mirrored", "multi_worker")
PRECISIONS = ("none", "bfloat16", "float16")

_AT_LEAST = {
    "batch_size": 1,
    "learning_rate_decay_examples": 1,
    "num_epochs": 1,
    "max_steps": 1,
    "export_model_steps": 1,
    "keep_checkpoints": 1,
    "log_steps": 1,
    "num_readers": 1,
    "eval_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "top_k": 1,
    "regularization_penalty": 0,
    "clip_gradient_norm": 0,
    "eval_sample_frames": 0,
    "save_checkpoint_minutes": 0,
    "max_bad_records": 0,
    "seed": 0,
}


@dataclass(frozen=True)
class TrainConfig(Options):
    """How to train: where, on which records, and by which steps.

    Raises:
        ValueError: a value is outside its range; the message names the flag.
    """

    train_dir: str = option(
        "/tmp/yt8m_model/",
        "Directory for checkpoints and summaries. Training resumes from what it holds.",
    )
    train_data_pattern: str = option(
        "", "Training records: file patterns with commas between, or @file with a path a line."
    )
    eval_data_pattern: str = option(
        "",
        "Validation records. With them each checkpoint is evaluated, and the one with the lowest "
        "loss kept in train_dir/best.",
    )
    start_new_model: bool = option(
        False, "Remove what an earlier training wrote to --train_dir instead of resuming it."
    )
    ubm_dir: str = option(
        "",
        "Directory of a UBM (yt8m train-ubm): the clusters of --pooling=vlad "
        "and sgmm. Needed for a new training only; checkpoints hold them.",
    )
    init_clusters_from: str = option(
        "",
        "Start the clusters of a new training from these records, by k-means on a sample of their "
        "frames, or from the directory of a UBM. --initial_scale replaces the data's deviation.",
    )
    batch_size: int = option(1024, "Videos in a batch, on each replica.")
    label_loss: str = option(
        "CrossEntropyLoss", f"The loss: {', '.join(LABEL_LOSSES)}.", choices=LABEL_LOSSES
    )
    regularization_penalty: float = option(
        1.0, "Weight of the model's regularisation terms beside the label loss."
    )
    base_learning_rate: float = option(0.01, "Learning rate of the first step.")
    learning_rate_decay: float = option(
        0.95, "Factor of the learning rate every --learning_rate_decay_examples."
    )
    learning_rate_decay_examples: float = option(
        4000000.0, "Videos after which the learning rate is multiplied by --learning_rate_decay."
    )
    num_epochs: int = option(5, "Passes over the training records.")
    max_steps: int | None = option(
        None,
        "Stop after this many steps, even if --num_epochs are not over.",
        aliases=("max_step",),
    )
    export_model_steps: int = option(1000, "Steps between checkpoints.")
    save_checkpoint_minutes: float = option(
        15.0, "Save a checkpoint after this many minutes too; 0 saves by steps alone."
    )
    keep_checkpoints: int = option(5, "How many of the latest checkpoints to keep.")
    optimizer: str = option("AdamOptimizer", f"One of {', '.join(OPTIMIZERS)}.", choices=OPTIMIZERS)
    clip_gradient_norm: float = option(1.0, "Largest norm of a gradient; 0 does not clip.")
    clip_mode: str = option(
        "per_variable",
        "Clip the gradient of each variable by its own norm (per_variable), or all of them by the "
        "norm of all together (global).",
        choices=CLIP_MODES,
    )
    mixed_precision: str = option(
        "none",
        "Compute in bfloat16 or float16, with weights and statistics in float32; float16 with a "
        "loss scale that adapts. What is saved is float32.",
        choices=PRECISIONS,
    )
    gradient_accumulation_steps: int = option(
        1,
        "Take each batch in this many pieces, whose gradients are added up: less memory, the same "
        "step but for batch normalisation, which sees a piece.",
    )
    seed: int = option(0, "Seed of the weights, of the records' order and of sampled frames.")
    deterministic: bool = option(
        True, "Two runs with one seed give the same losses; turning it off can be faster."
    )
    jit_compile: bool = option(True, "Compile the training step with XLA.")
    strategy: str = option(
        "auto",
        "How to use devices: default (one), mirrored (all GPUs of this machine), multi_worker "
        "(the machines in the TF_CONFIG environment variable), or auto: what fits the machine.",
        choices=STRATEGIES,
    )
    num_readers: int = option(8, "Files that are read in parallel.")
    max_bad_records: int = option(
        0, "Skip up to this many corrupt or malformed records instead of stopping at the first."
    )
    log_steps: int = option(10, "Steps between lines with the loss and the metrics of a batch.")
    top_k: int = option(20, "Predictions per video that count in GAP.")
    eval_batch_size: int = option(128, "Videos in a batch of validation.")
    eval_sample_frames: int = option(
        0, "Frames sampled per video in validation; 0 takes every frame."
    )
    log_device_placement: bool = option(False, "Log on which device each operation runs.")
    list_models: bool = option(
        False, "Print a table of the presets of --model, with their sizes, and train nothing."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.train_dir:
            raise ValueError("--train_dir must name a directory; received an empty string")
        if not self.train_data_pattern.strip() and not self.list_models:
            raise ValueError(
                "--train_data_pattern must name the training records, e.g. "
                "--train_data_pattern='data/train*.tfrecord'; received nothing"
            )
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise ValueError(f"--{name} must be at least {least}; received {value}")
        for name in ("base_learning_rate", "learning_rate_decay"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"--{name} must be positive; received {value}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"--{name} must be one of {', '.join(choices)}; received {getattr(self, name)}"
                )


_CHOICES = {
    "label_loss": LABEL_LOSSES,
    "optimizer": OPTIMIZERS,
    "clip_mode": CLIP_MODES,
    "strategy": STRATEGIES,
    "mixed_precision": PRECISIONS,
}
