"""The flags of `yt8m report`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.program.option import Options, option, same_option

_SOURCES = ("train_dir", "tables_dir", "extraction_dir", "retrieval_dir")


@dataclass(frozen=True)
class ReportConfig(Options):
    """What to show: one directory."""

    train_dir: str = option("", "Show a training: the directory of yt8m train, train-embedding.")
    tables_dir: str = option(
        "",
        "Show tables of a paper: the --output_dir of yt8m dsgmm-tables, cdml-tables, watch-tables "
        "or movielens.",
    )
    extraction_dir: str = option("", "Show an extraction: the --output_dir of yt8m extract.")
    retrieval_dir: str = option("", "Show cold-start retrieval: that of yt8m evaluate-retrieval.")
    output: str = option("report.html", "The page to write.", required=True)
    eval_data_pattern: str = option(
        "",
        "--train_dir: evaluate the model on these records for the page: file patterns with commas "
        "between, or @file with a path a line. Unless given, the page has the last yt8m eval.",
    )
    checkpoint: str = same_option(ModelSource, "checkpoint")
    vocabulary: str = option(
        "", "--train_dir: CSV with the columns Index and Name: names of the classes."
    )
    thumbnails: str = option(
        "",
        "Directory with a picture <id>.jpg of each video, ids percent-encoded. Those of an "
        "extraction are in its directory.",
    )
    num_examples: int = option(
        24, "--eval_data_pattern: videos to show that are right, and that are wrong.", at_least=1
    )
    batch_size: int = option(1024, "--eval_data_pattern: as of yt8m eval.", at_least=1)
    max_bad_records: int = same_option(InferenceConfig, "max_bad_records")

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [f"--{name}={getattr(self, name)}" for name in _SOURCES if getattr(self, name)]
        if len(given) != 1:
            names = ", ".join(f"--{name}" for name in _SOURCES)
            raise ValueError(
                f"one of {names} must be given; received {' and '.join(given) or 'none'}"
            )
        for name in ("eval_data_pattern", "vocabulary"):
            if getattr(self, name) and not self.train_dir:
                raise ValueError(
                    f"--{name} goes with --train_dir; received {getattr(self, name)} without it"
                )
