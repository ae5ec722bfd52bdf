"""What sample data to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class BagsConfig(Options):
    """A sample data set: where it goes and how large it is."""

    output_dir: str = option(
        "", "Directory that receives the shards and vocabulary.csv.", required=True
    )
    num_train_videos: int = option(6000, "Videos for training.", at_least=1)
    num_validation_videos: int = option(
        1000,
        "Videos for validation, made of other images.",
        at_least=1,
        aliases=("num_eval_videos",),
    )
    num_shards: int = option(4, "Files of each set of videos.", at_least=1)
    seed: int = option(0, "Seed of the videos: the same seed gives the same bytes.", at_least=0)
    overwrite: bool = option(False, "Replace the files of an earlier run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_shards > min(self.set_sizes):
            raise ValueError(
                f"--num_shards must be at most {min(self.set_sizes)}, the videos of the smallest "
                f"set; received {self.num_shards}"
            )

    @property
    def set_sizes(self) -> tuple[int, ...]:
        """Videos for training, for validation and, where there are any, for tests."""
        return self.num_train_videos, self.num_validation_videos
