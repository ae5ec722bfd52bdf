"""The flags of `yt8m embed`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.program.option import Options, option, same_option


@dataclass(frozen=True)
class EmbedConfig(Options):
    """What to embed, by which model, and where the embeddings go."""

    train_dir: str = option("", "Directory of the training whose model embeds; not with --raw.")
    checkpoint: str = option(
        "auto",
        "Which weights: best (highest validation NDCG), latest, the path of a checkpoint, or auto: "
        "the best if the training was validated, the latest otherwise.",
    )
    raw: bool = option(
        False,
        "Write the features themselves, side by side and L2-normalised: a baseline. Of frame-level "
        "features, their mean.",
    )
    feature_names: tuple[str, ...] = option(
        (), "--raw: the features to write, in order; all of them unless given."
    )
    per_feature_l2_norm: bool = option(
        True, "--raw: L2-normalise each feature by itself before all together."
    )
    features_dir: str = same_option(EmbeddingTrainConfig, "features_dir")
    output_dir: str = option(
        "",
        "Directory that receives the embeddings. A run that was interrupted goes on there.",
        required=True,
    )
    batch_size: int = option(1024, "Videos in a batch.", at_least=1)
    shard_size: int = option(65536, "Videos in a file of the output.", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.train_dir) == self.raw:
            raise ValueError(
                f"give --train_dir or --raw, one of the two; received --train_dir={self.train_dir} "
                f"and --{'' if self.raw else 'no'}raw"
            )
        if self.feature_names and not self.raw:
            raise ValueError(
                "--feature_names is for --raw: a model takes the features that it was trained on; "
                f"received {','.join(self.feature_names)}"
            )
