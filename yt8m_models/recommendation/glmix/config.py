"""What to do with GLMix, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

TRAIN, PREDICT, EVALUATE = "train", "predict", "evaluate"
MODES = (TRAIN, PREDICT, EVALUATE)


@dataclass(frozen=True)
class GLMixConfig(Options):
    """The events, the embeddings and the model.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    mode: str = option(
        TRAIN,
        "train fits --glmix_dir to --events; predict writes the probability of each of --events to "
        "--output; evaluate measures AUC on --events.",
        choices=MODES,
    )
    events: str = option(
        "",
        "CSV or Parquet files, as patterns with commas between: user_id, video_id, and label (1 "
        "for liked, 0 for not) or impression (1 where the video was shown and not watched).",
    )
    embeddings_dir: str = option("", "Embeddings of the videos.")
    glmix_dir: str = option("", "Directory that receives the model, or has it.")
    output: str = option(
        "",
        "predict: CSV file for user_id,video_id,score. evaluate: JSON file, where one is wanted.",
    )
    fixed_l2: float = option(1.0, "train: weight of the prior on the fixed coefficients.")
    user_l2: float = option(
        1.0, "train: weight of the prior on each user's intercept and coefficients."
    )
    tolerance: float = option(
        1e-6, "train: norm of the gradient, over the number of events, at which it has converged."
    )
    max_rounds: int = option(50, "train: most rounds over all users.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("events", "embeddings_dir", "glmix_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        if self.mode == PREDICT and not self.output:
            raise ValueError(f"--output must be given with --mode={PREDICT}")
        if self.mode == TRAIN and self.output:
            raise ValueError(f"--mode={TRAIN} has no --output; received {self.output}")
        for name in ("fixed_l2", "user_l2", "tolerance"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"--{name} must be above 0; received {getattr(self, name)}")
        if self.max_rounds < 1:
            raise ValueError(f"--max_rounds must be at least 1; received {self.max_rounds}")
