"""What to average, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class EnsembleConfig(Options):
    """The submission files to average, and where to write the result."""

    input_files: str = option(
        "",
        "Submission files of videos: paths or patterns with commas between, or @file with a path a "
        "line. --input_files= may be left out.",
        required=True,
    )
    output_file: str = option(
        "", "The submission file, CSV. It appears whole at the end, or not at all.", required=True
    )
    weights: tuple[float, ...] = option(
        (),
        "A weight for each file, with commas between; their sum does not matter. Equal unless "
        "given.",
        at_least=0,
    )
    rank_average: bool = option(
        False,
        "Average ranks instead of scores: a pair's rank among all pairs of its file, from 0 to 1.",
    )
    top_k: int = option(20, "Classes to write for each video at most.", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights and not sum(self.weights):
            received = ",".join(map(str, self.weights))
            raise ValueError(f"--weights must not all be 0; received {received}")
