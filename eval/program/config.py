"""The flags of the evaluation program, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass

from yt8m_models.prediction.config import InferenceConfig, ModelSource, RecordFlags
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import LABEL_LOSSES


@dataclass(frozen=True)
class EvalConfig(Options):
    """What to evaluate, on which records, and where to write the results."""

    train_dir: str = option(
        "/tmp/yt8m_model/", "The directory that the model is trained in.", required=True
    )
    eval_data_pattern: str = option(
        "",
        "Records to evaluate: file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    checkpoint: str = same_option(ModelSource, "checkpoint")
    run_once: bool = option(
        False, "Evaluate one checkpoint and end; otherwise go on with each new one."
    )
    poll_seconds: float = option(
        30.0, "Seconds between two looks for a new checkpoint.", at_least=0
    )
    batch_size: int = option(
        1024,
        "Videos in a batch at most. Frame-level batches are never larger than 128 videos, so that "
        "memory stays bounded.",
        at_least=1,
    )
    label_loss: str | None = option(
        None, "The loss; that of the training unless given.", choices=LABEL_LOSSES
    )
    top_k: int = option(20, "Predictions per video that count in GAP and mAP.", at_least=1)
    num_readers: int = option(8, "Files that are read in parallel.", at_least=1)
    sample_frames: int = same_option(InferenceConfig, "sample_frames")
    seed: int = same_option(InferenceConfig, "seed")
    max_bad_records: int = same_option(InferenceConfig, "max_bad_records")
    vocabulary: str = option("", "CSV with the columns Index and Name: names for per_class.csv.")
    output_dir: str = option(
        "",
        "Directory for metrics.json, per_class.csv and TensorBoard scalars; 'eval' in --train_dir.",
    )
    jit_compile: bool = same_option(InferenceConfig, "jit_compile")


@dataclass(frozen=True)
class DataFlags(RecordFlags):
    """The format of the records. It is that of the training: other values are an error."""

    segment_labels: bool | None = option(
        None, "Evaluate the rated 5-frame segments. May differ from the training."
    )
