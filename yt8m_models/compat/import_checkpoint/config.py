"""The flags of the import program, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class ImportConfig(Options):
    """Which checkpoint to import, and where to."""

    tf1_train_dir: str = option(
        "",
        "The --train_dir of the original program: model.ckpt-N.* and model_flags.json.",
        required=True,
    )
    tf1_checkpoint: str = option(
        "", "The path of a checkpoint; the latest in --tf1_train_dir unless given."
    )
    train_dir: str = option(
        "",
        "Where the imported model goes: a directory without checkpoints; made where missing.",
        required=True,
    )
    start_new_model: bool = option(
        False, "Remove what an earlier training or import wrote to --train_dir."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.train_dir.rstrip("/") == self.tf1_train_dir.rstrip("/"):
            raise ValueError(
                f"--train_dir must be another directory than --tf1_train_dir; received "
                f"{self.train_dir} for both"
            )
