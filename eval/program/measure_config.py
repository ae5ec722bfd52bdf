"""The flags that say how a model is measured, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.prediction.config import InferenceConfig
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import LABEL_LOSSES


@dataclass(frozen=True)
class MeasureConfig(Options):
    """On which records a model is measured, and how."""

    eval_data_pattern: str = option(
        "",
        "Records to evaluate: file patterns with commas between, or @file with a path a line.",
        required=True,
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
    jit_compile: bool = same_option(InferenceConfig, "jit_compile")
