"""What to do with GLMix, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.graph.memory_options import MemoryOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import option

TRAIN, PREDICT, EVALUATE = "train", "predict", "evaluate"
MODES = (TRAIN, PREDICT, EVALUATE)


@dataclass(frozen=True)
class GLMixConfig(WatchLogOptions, MemoryOptions):
    """The events, the embeddings and the model.

    Raises:
        ValueError: as of `WatchLogOptions` and `MemoryOptions`; `output` does not fit `mode`, or
            there are no embeddings to fit coefficients to.
    """

    mode: str = option(
        TRAIN,
        "train fits --glmix_dir to --watch_log, by its labels or else its impressions; predict "
        "writes the probability of each row to --output; evaluate measures AUC.",
        choices=MODES,
    )
    embeddings_dir: str = option(
        "",
        "Embeddings of the videos; events of other videos are left out. A model of intercepts "
        "needs none.",
    )
    glmix_dir: str = option("", "Directory that receives the model, or has it.", required=True)
    output: str = option(
        "",
        "predict: CSV file for user_id,video_id,score. evaluate: JSON file, where one is wanted.",
    )
    video_features: bool = option(
        True, "train: coefficients of the embeddings; otherwise there are intercepts alone."
    )
    global_coefficients: bool = option(
        True,
        "train: coefficients of the embeddings for all users, beside each user's own; without them "
        "all users have the intercept in common, as in the DSGMM paper's equation 18.",
    )
    min_watched_seconds: float = option(
        0.0,
        "train, evaluate: the label is 1 for a video that was watched for more than this, and 0 "
        "for others; 0 goes by labels or impressions.",
        at_least=0,
    )
    fixed_l2: float = option(1.0, "train: weight of the prior on the fixed coefficients.", above=0)
    user_l2: float = option(
        1.0, "train: weight of the prior on each user's intercept and coefficients.", above=0
    )
    tolerance: float = option(
        1e-6,
        "train: norm of the gradient, over the number of events, at which it has converged.",
        above=0,
    )
    max_rounds: int = option(50, "train: most rounds over all users.", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode == PREDICT and not self.output:
            raise ValueError(f"--output must be given with --mode={PREDICT}")
        if self.mode == TRAIN and self.output:
            raise ValueError(f"--mode={TRAIN} has no --output; received {self.output}")
        if self.mode == TRAIN and self.video_features and not self.embeddings_dir:
            raise ValueError(
                "--embeddings_dir must be given, or --novideo_features; received neither"
            )
