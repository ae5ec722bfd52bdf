"""What to average, as plain values. Imports neither TensorFlow nor NumPy."""

import math
from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class EnsembleConfig(Options):
    """The submission files to average, and where to write the result.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    input_files: str = option(
        "",
        "Submission files of videos: paths or patterns with commas between, or @file with a path a "
        "line. --input_files= may be left out.",
    )
    output_file: str = option(
        "", "The submission file, CSV. It appears whole at the end, or not at all."
    )
    weights: tuple[float, ...] = option(
        (),
        "A weight for each file, with commas between; their sum does not matter. Equal unless "
        "given.",
    )
    rank_average: bool = option(
        False,
        "Average ranks instead of scores: a pair's rank among all pairs of its file, from 0 to 1.",
    )
    top_k: int = option(20, "Classes to write for each video at most.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("input_files", "output_file"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        if self.top_k < 1:
            raise ValueError(f"--top_k must be at least 1; received {self.top_k}")
        received = ",".join(map(str, self.weights))
        try:
            weights = tuple(float(weight) for weight in self.weights)
        except ValueError:
            raise ValueError(f"--weights must be numbers; received {received}") from None
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
            raise ValueError(f"--weights must be finite and at least 0; received {received}")
        if weights and not sum(weights):
            raise ValueError(f"--weights must not all be 0; received {received}")
        object.__setattr__(self, "weights", weights)
