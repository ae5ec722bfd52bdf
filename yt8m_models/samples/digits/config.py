"""What sample data to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

FEATURE_NAMES = ("rgb", "audio")
FEATURE_SIZES = (128, 32)


@dataclass(frozen=True)
class DigitsConfig(Options):
    """The sample data set: where it goes and how large it is.

    Raises:
        ValueError: a number is out of its range.
    """

    output_dir: str = option(
        "",
        "Directory that receives train*.tfrecord, validate*.tfrecord and vocabulary.csv.",
        required=True,
    )
    num_train_videos: int = option(6000, "Videos for training.", at_least=1)
    num_eval_videos: int = option(1000, "Held-out videos, made of other scans.", at_least=1)
    num_shards: int = option(4, "Files of each of the two sets.", at_least=1)
    seed: int = option(0, "Seed of the videos: the same seed gives the same bytes.", at_least=0)
    overwrite: bool = option(False, "Replace the files of an earlier run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        fewest = min(self.num_train_videos, self.num_eval_videos)
        if self.num_shards > fewest:
            raise ValueError(
                f"--num_shards must be at most {fewest}, the videos of the smaller set; "
                f"received {self.num_shards}"
            )
