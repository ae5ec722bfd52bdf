"""What sample data to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import option, same_option
from yt8m_models.samples.bags.config import BagsConfig


@dataclass(frozen=True)
class FashionConfig(BagsConfig):
    """The sample data set: where it goes, how large it is and where the images are."""

    num_train_videos: int = same_option(BagsConfig, "num_train_videos", 12000)
    num_validation_videos: int = same_option(BagsConfig, "num_validation_videos", 2000)
    num_test_videos: int = option(
        4000, "Videos for tests, made of images of the test set.", at_least=1
    )
    images_dir: str = option(
        "/usr/share/datasets/fashion-mnist",
        "Directory of the four files of Fashion-MNIST, *-ubyte.gz; that of the Debian package "
        "dataset-fashion-mnist unless given.",
        required=True,
    )

    @property
    def set_sizes(self) -> tuple[int, ...]:
        return *super().set_sizes, self.num_test_videos
