"""What to score, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.prediction.config import InferenceConfig
from yt8m_models.program.option import Options, option, same_option


@dataclass(frozen=True)
class ScoreConfig(Options):
    """The submission files, the records with the labels, and where to write the scores."""

    submissions: str = option(
        "",
        "Submission files, of videos or of segments: paths or patterns with commas between, or "
        "@file with a path a line. --submissions= may be left out.",
        required=True,
    )
    labels: str = option(
        "",
        "Records with the labels, of any level; with rated segments for submissions of segments: "
        "file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    top_k: int = option(20, "Classes of a video that count in GAP and mAP.", at_least=1)
    segment_max_pred: int = option(
        100000, "Segments of a class that count in submissions of segments.", at_least=1
    )
    missing: str = option(
        "skip",
        "Labelled videos that a file lacks: skip them, or count them as wrong.",
        choices=("skip", "wrong"),
    )
    output_file: str = option(
        "", "Also write the scores: .json has all of them, .csv those of each class."
    )
    vocabulary: str = option("", "CSV with the columns Index and Name: names of the classes.")
    max_bad_records: int = same_option(InferenceConfig, "max_bad_records")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_file and not self.output_file.endswith((".json", ".csv")):
            raise ValueError(
                f"--output_file must end in .json or .csv; received {self.output_file}"
            )
