"""The flags of the evaluation program, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option
from yt8m_models.training.config import LABEL_LOSSES

_AT_LEAST = {
    "batch_size": 1,
    "num_readers": 1,
    "top_k": 1,
    "sample_frames": 0,
    "seed": 0,
    "max_bad_records": 0,
    "poll_seconds": 0,
}


@dataclass(frozen=True)
class EvalConfig(Options):
    """What to evaluate, on which records, and where to write the results.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    train_dir: str = option("/tmp/yt8m_model/", "The directory that the model is trained in.")
    eval_data_pattern: str = option(
        "", "Records to evaluate: file patterns with commas between, or @file with a path a line."
    )
    checkpoint: str = option(
        "latest", "latest, best (lowest validation loss), or the path of a checkpoint."
    )
    run_once: bool = option(
        False, "Evaluate one checkpoint and end; otherwise go on with each new one."
    )
    poll_seconds: float = option(30.0, "Seconds between two looks for a new checkpoint.")
    batch_size: int = option(
        1024,
        "Videos in a batch at most. Frame-level batches are never larger than 128 videos, so that "
        "memory stays bounded.",
    )
    label_loss: str | None = option(
        None, f"The loss: {', '.join(LABEL_LOSSES)}; that of the training.", choices=LABEL_LOSSES
    )
    top_k: int = option(20, "Predictions per video that count in GAP and mAP.")
    num_readers: int = option(8, "Files that are read in parallel.")
    sample_frames: int = option(0, "Frames sampled per video, from --seed; 0 takes every frame.")
    seed: int = option(0, "Seed of the sampled frames.")
    max_bad_records: int = option(
        0, "Skip up to this many corrupt or malformed records instead of stopping at the first."
    )
    vocabulary: str = option("", "CSV with the columns Index and Name: names for per_class.csv.")
    output_dir: str = option(
        "",
        "Directory for metrics.json, per_class.csv and TensorBoard scalars; 'eval' in --train_dir.",
    )
    jit_compile: bool = option(
        False, "Compile the forward pass with XLA, and pad every video to the same length for it."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_dir", "eval_data_pattern", "checkpoint"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )


@dataclass(frozen=True)
class DataFlags(Options):
    """The format of the records. It is that of the training: other values are an error."""

    feature_names: tuple[str, ...] | None = option(None, "Features to read, e.g. rgb,audio.")
    feature_sizes: tuple[str, ...] | None = option(None, "Width of each feature, e.g. 1024,128.")
    frame_features: bool | None = option(None, "Records are frame level; otherwise video level.")
    segment_labels: bool | None = option(
        None, "Evaluate the rated 5-frame segments. May differ from the training."
    )
    num_classes: int | None = option(None, "Number of classes.")
    max_frames: int | None = option(None, "Frames of a video beyond this many are left out.")
