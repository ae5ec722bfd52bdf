"""The flags of `yt8m embed`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class EmbedConfig(Options):
    """What to embed, by which model, and where the embeddings go.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

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
    features_dir: str = option(
        "",
        "Features of the videos, as written by yt8m build-features.",
    )
    output_dir: str = option(
        "", "Directory that receives the embeddings. A run that was interrupted goes on there."
    )
    batch_size: int = option(1024, "Videos in a batch.")
    shard_size: int = option(65536, "Videos in a file of the output.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("features_dir", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must name a directory; received nothing")
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
        for name in ("batch_size", "shard_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1; received {getattr(self, name)}")
