"""What sample data to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

FEATURE_NAMES = ("rgb", "audio")
FEATURE_SIZES = (128, 32)


@dataclass(frozen=True)
class FashionConfig(Options):
    """The sample data set: where the images are, where it goes and how large it is.

    Raises:
        ValueError: a value is missing or a number is out of its range.
    """

    images_dir: str = option(
        "/usr/share/datasets/fashion-mnist",
        "Directory of the four files of Fashion-MNIST, *-ubyte.gz; that of the Debian package "
        "dataset-fashion-mnist unless given.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory that receives train*.tfrecord, validate*.tfrecord, test*.tfrecord and "
        "vocabulary.csv.",
        required=True,
    )
    num_train_videos: int = option(12000, "Videos for training.", at_least=1)
    num_validation_videos: int = option(
        2000, "Videos for validation, made of other images.", at_least=1
    )
    num_test_videos: int = option(
        4000, "Videos for tests, made of images of the test set.", at_least=1
    )
    num_shards: int = option(4, "Files of each of the three sets.", at_least=1)
    seed: int = option(0, "Seed of the videos: the same seed gives the same bytes.", at_least=0)
    overwrite: bool = option(False, "Replace the files of an earlier run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        fewest = min(self.num_train_videos, self.num_validation_videos, self.num_test_videos)
        if self.num_shards > fewest:
            raise ValueError(
                f"--num_shards must be at most {fewest}, the videos of the smallest set; "
                f"received {self.num_shards}"
            )
