"""What to compare, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.prediction.config import InferenceConfig
from yt8m_models.program.option import Options, option, same_option


@dataclass(frozen=True)
class SignificanceConfig(Options):
    """The two submission files to compare, and the records with the labels."""

    predictions: str = option(
        "",
        "The two submission files, with a comma between. --predictions= may be left out.",
        required=True,
    )
    labels: str = option(
        "",
        "Records with the labels, of any level: file patterns with commas between, or @file with a "
        "path a line.",
        required=True,
    )
    missing: str = option(
        "refuse",
        "Labelled videos that only one file has: refuse them, count them as wrong there, or skip "
        "them.",
        choices=("refuse", "wrong", "skip"),
    )
    max_bad_records: int = same_option(InferenceConfig, "max_bad_records")
