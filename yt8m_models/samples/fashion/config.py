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
    )
    output_dir: str = option(
        "",
        "Directory that receives train*.tfrecord, validate*.tfrecord, test*.tfrecord and "
        "vocabulary.csv.",
    )
    num_train_videos: int = option(12000, "Videos for training.")
    num_validation_videos: int = option(2000, "Videos for validation, made of other images.")
    num_test_videos: int = option(4000, "Videos for tests, made of images of the test set.")
    num_shards: int = option(4, "Files of each of the three sets.")
    seed: int = option(0, "Seed of the videos: the same seed gives the same bytes.")
    overwrite: bool = option(False, "Replace the files of an earlier run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("images_dir", "output_dir"):
            if not getattr(self, name):
                raise ValueError(f"--{name} must name a directory; received nothing")
        counts = ("num_train_videos", "num_validation_videos", "num_test_videos")
        for name in (*counts, "num_shards"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1; received {getattr(self, name)}")
        fewest = min(getattr(self, name) for name in counts)
        if self.num_shards > fewest:
            raise ValueError(
                f"--num_shards must be at most {fewest}, the videos of the smallest set; "
                f"received {self.num_shards}"
            )
        if self.seed < 0:
            raise ValueError(f"--seed must be at least 0; received {self.seed}")
