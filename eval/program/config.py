"""The flags of the evaluation program, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass

from eval.program.measure_config import MeasureConfig
from yt8m_models.prediction.config import ModelSource, RecordFlags
from yt8m_models.program.option import option, same_option


@dataclass(frozen=True)
class EvalConfig(MeasureConfig):
    """What to evaluate, on which records, and where to write the results."""

    train_dir: str = option(
        "/tmp/yt8m_model/", "The directory that the model is trained in.", required=True
    )
    checkpoint: str = same_option(ModelSource, "checkpoint")
    run_once: bool = option(
        False, "Evaluate one checkpoint and end; otherwise go on with each new one."
    )
    poll_seconds: float = option(
        30.0, "Seconds between two looks for a new checkpoint.", at_least=0
    )
    vocabulary: str = option("", "CSV with the columns Index and Name: names for per_class.csv.")
    output_dir: str = option(
        "",
        "Directory for metrics.json, per_class.csv and TensorBoard scalars; 'eval' in --train_dir.",
    )


@dataclass(frozen=True)
class DataFlags(RecordFlags):
    """The format of the records. It is that of the training: other values are an error."""

    segment_labels: bool | None = option(
        None, "Evaluate the rated 5-frame segments. May differ from the training."
    )
