"""The flags of the training program, without TensorFlow (see `yt8m_models.program.command`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yt8m_models.presets import TRAINING, TrainingDefaults
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


_OF_THE_MODEL = "the model's, see --list_models"
_STARTER_CODE = TrainingDefaults()


@dataclass(frozen=True)
class TrainConfig(Options):
    """How to train: where, on which records, and by which steps.

    `None` stands for the value of the model's preset; `resolved` fills it in.
    """

    train_dir: str = option(
        "/tmp/yt8m_model/",
        "Directory for checkpoints and summaries. Training resumes from what it holds.",
        required=True,
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
    init_from: str = option(
        "",
        "Start a new training from the weights of another: its directory, whose best checkpoint is "
        "taken if there is one and its latest otherwise, or a checkpoint. Weights that do not fit "
        "by name and shape start anew, as step and optimizer do.",
        aliases=("pretrain_model_path",),
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
    batch_size: int = option(1024, "Videos in a batch, on each replica.", at_least=1)
    label_loss: str = option("CrossEntropyLoss", "The loss.", choices=LABEL_LOSSES)
    regularization_penalty: float = option(
        1.0, "Weight of the model's regularisation terms beside the label loss.", at_least=0
    )
    base_learning_rate: float | None = option(
        None, "Learning rate of the first step.", above=0, unless_given=_OF_THE_MODEL
    )
    learning_rate_decay: float | None = option(
        None,
        "Factor of the learning rate every --learning_rate_decay_examples.",
        above=0,
        unless_given=_OF_THE_MODEL,
    )
    learning_rate_decay_examples: float | None = option(
        None,
        "Videos after which the learning rate is multiplied by --learning_rate_decay.",
        at_least=1,
        unless_given=_OF_THE_MODEL,
    )
    num_epochs: int = option(5, "Passes over the training records.", at_least=1)
    max_steps: int | None = option(
        None,
        "Stop after this many steps, even if --num_epochs are not over.",
        aliases=("max_step",),
        at_least=1,
    )
    early_stopping_patience: int = option(
        0,
        "End training after this many validations in a row without a new best; 0 goes on.",
        at_least=0,
    )
    export_model_steps: int = option(1000, "Steps between checkpoints.", at_least=1)
    save_checkpoint_minutes: float = option(
        15.0, "Save a checkpoint after this many minutes too; 0 saves by steps alone.", at_least=0
    )
    keep_checkpoints: int = option(5, "How many of the latest checkpoints to keep.", at_least=1)
    optimizer: str = option("AdamOptimizer", "The optimizer.", choices=OPTIMIZERS)
    clip_gradient_norm: float = option(
        1.0, "Largest norm of a gradient, or largest of its values; 0 does not clip.", at_least=0
    )
    clip_mode: str | None = option(
        None,
        "Clip the gradient of each variable by its own norm (per_variable), all of them by the "
        "norm of all together (global), or each value by itself (value).",
        choices=("per_variable", "global", "value"),
        unless_given=_OF_THE_MODEL,
    )
    mixup: float = option(
        0.0,
        "Train on weighted means of two videos, their frames and labels, with weights from a beta "
        "distribution with this parameter, such as 0.5; 0 does not.",
        at_least=0,
    )
    ema_decay: float = option(
        0.0,
        "Validate and predict with an exponential moving average of the weights with this decay, "
        "such as 0.999; 0 takes the weights themselves.",
        at_least=0,
        below=1,
    )
    mixed_precision: str = option(
        "none",
        "Compute in bfloat16 or float16, with weights and statistics in float32; float16 with a "
        "loss scale that adapts. What is saved is float32.",
        choices=("none", "bfloat16", "float16"),
    )
    gradient_accumulation_steps: int = option(
        1,
        "Take each batch in this many pieces, whose gradients are added up: less memory, the same "
        "step but for batch normalisation, which sees a piece.",
        at_least=1,
    )
    seed: int = option(
        0, "Seed of the weights, of the records' order and of sampled frames.", at_least=0
    )
    deterministic: bool = option(
        True, "Two runs with one seed give the same losses; turning it off can be faster."
    )
    jit_compile: bool = option(True, "Compile the training step with XLA.")
    strategy: str = option(
        "auto",
        "How to use devices: default (one), mirrored (all GPUs of this machine), multi_worker "
        "(the machines in the TF_CONFIG environment variable), or auto: what fits the machine.",
        choices=("auto", "default", "mirrored", "multi_worker"),
    )
    num_readers: int = option(8, "Files that are read in parallel.", at_least=1)
    max_bad_records: int = option(
        0,
        "Skip up to this many corrupt or malformed records instead of stopping at the first.",
        at_least=0,
    )
    log_steps: int = option(
        10, "Steps between lines with the loss and the metrics of a batch.", at_least=1
    )
    top_k: int = option(20, "Predictions per video that count in GAP.", at_least=1)
    eval_batch_size: int = option(128, "Videos in a batch of validation.", at_least=1)
    eval_sample_frames: int = option(
        0, "Frames sampled per video in validation; 0 takes every frame.", at_least=0
    )
    log_device_placement: bool = option(False, "Log on which device each operation runs.")
    list_models: bool = option(
        False, "Print a table of the presets of --model, with their sizes, and train nothing."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_init_from(self.init_from, self.train_dir)
        if self.early_stopping_patience and not self.eval_data_pattern:
            raise ValueError(
                "--early_stopping_patience needs validation: --eval_data_pattern must be given; "
                "received nothing"
            )
        if not self.train_data_pattern.strip() and not self.list_models:
            raise ValueError("--train_data_pattern must be given; received nothing")

    def resolved(
        self, model: str, recorded: Mapping[str, Any] | None = None
    ) -> "ResolvedTrainConfig":
        """The same training with every value known: the flag's, the recorded or the preset's.

        Args:
            model: the name of the preset.
            recorded: what the directory was begun with, by flag.
        """
        given = {name: value for name, value in vars(self).items() if value is not None}
        defaults = TRAINING[model]._asdict()
        return ResolvedTrainConfig(**{**defaults, **(recorded or {}), **given})


@dataclass(frozen=True)
class ResolvedTrainConfig(TrainConfig):
    """A training of which every value is known; `TrainConfig.resolved` makes it.

    The defaults are those of the starter code.
    """

    base_learning_rate: float = _STARTER_CODE.base_learning_rate
    learning_rate_decay: float = _STARTER_CODE.learning_rate_decay
    learning_rate_decay_examples: float = _STARTER_CODE.learning_rate_decay_examples
    clip_mode: str = _STARTER_CODE.clip_mode

    def described(self) -> str:
        """How the weights are updated, in a line."""
        clipping = {
            "per_variable": "the norm of each gradient",
            "global": "the norm of all gradients",
            "value": "each value of the gradients",
        }
        clipped = f"{clipping[self.clip_mode]} at most {self.clip_gradient_norm:g}"
        return (
            f"{self.optimizer}, learning rate {self.base_learning_rate:g}, times "
            f"{self.learning_rate_decay:g} every {self.learning_rate_decay_examples:,.0f} videos; "
            f"{clipped if self.clip_gradient_norm else 'gradients are not clipped'}"
        )


def check_init_from(init_from: str, train_dir: str) -> None:
    """Raises a `ValueError` where a training would start from its own directory."""
    if f"{init_from.rstrip('/')}/".startswith(f"{train_dir.rstrip('/')}/"):
        raise ValueError(
            f"--init_from must be outside of --train_dir={train_dir}, which goes on from what it "
            f"holds; received {init_from}"
        )
