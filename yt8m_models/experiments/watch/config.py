"""The flags of `yt8m watch-tables`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.config import DataConfig
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.common.config import ExperimentConfig
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.graph.split_time_options import SplitTimeOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig

SIMILARITY, GLMIX = 6, 7
TABLES = (SIMILARITY, GLMIX)


@dataclass(frozen=True)
class WatchConfig(ExperimentConfig, SplitTimeOptions, WatchLogOptions):
    """What to compare, on which watches and videos, and where the results go."""

    tables: tuple[int, ...] = option(
        TABLES,
        "Tables of the paper. 6: mean and largest similarity to what a user watched; 7: GLMix, of "
        "all videos and of cold-start videos.",
        choices=TABLES,
    )
    figures: tuple[int, ...] = option((), "The paper has none of watches.", choices=())
    frame_features: str = option(
        "",
        "Frame-level records of the videos: file patterns with commas between, or @file with a "
        "path a line.",
        required=True,
    )
    feature_names: tuple[str, ...] = same_option(DataConfig, "feature_names", ("rgb",))
    feature_sizes: tuple[int, ...] = same_option(DataConfig, "feature_sizes")
    min_watched_seconds: float = option(
        30.0,
        "The threshold T: what was watched for more than this is a valid watch, of which histories "
        "and co-watches are, and whose label is 1. 0 goes by impressions alone.",
        at_least=0,
    )
    user_l2: float = same_option(GLMixConfig, "user_l2")
    keep_embeddings: bool = option(
        False, "Keep the embeddings of each run; otherwise they are removed when it is measured."
    )


@dataclass(frozen=True)
class WatchTrainingFlags(EmbeddingTrainingFlags):
    """How the networks are trained: by equation 15, with negatives that were shown.

    The paper states neither the margin nor the optimizer, the batch or the length.
    """

    margin: float = same_option(EmbeddingTrainConfig, "margin")
    mining: str = same_option(EmbeddingTrainConfig, "mining", "none")
    negatives: str = same_option(EmbeddingTrainConfig, "negatives", "shown")
    batch_size: int = same_option(EmbeddingTrainConfig, "batch_size", 512)
    learning_rate_decay: float = same_option(EmbeddingTrainConfig, "learning_rate_decay")
    max_steps: int = same_option(EmbeddingTrainConfig, "max_steps", 20000)


@dataclass(frozen=True)
class FrameEmbeddingFlags(Options):
    """The networks: a pooling of frames and two layers; the pooling is what rows are about.

    The defaults of the pooling are those of the paper's classification (section 4.1.4); how wide
    the two layers are is not stated.
    """

    hidden_size: tuple[int, ...] = same_option(EmbeddingConfig, "hidden_size", (1024,))
    embedding_size: int = same_option(EmbeddingConfig, "embedding_size")
    hidden_activation: str = same_option(EmbeddingConfig, "hidden_activation")
    per_feature_l2_norm: bool = same_option(EmbeddingConfig, "per_feature_l2_norm")
    num_clusters: int = same_option(EmbeddingConfig, "num_clusters", 256)
    num_clusters_audio: int | None = same_option(EmbeddingConfig, "num_clusters_audio")
    assignment: str = same_option(EmbeddingConfig, "assignment")
    gamma: float = same_option(EmbeddingConfig, "gamma")
    intra_norm: bool = same_option(EmbeddingConfig, "intra_norm")
    final_norm: bool = same_option(EmbeddingConfig, "final_norm")
    batch_norm: bool = same_option(EmbeddingConfig, "batch_norm")
    sample_frames: int = same_option(EmbeddingConfig, "sample_frames")

    def model(self, pooling: str) -> EmbeddingConfig:
        """The network with a pooling."""
        return EmbeddingConfig(fusion="frames", pooling=pooling, **vars(self))
