"""`yt8m fashion`: writes the sample data set of Fashion-MNIST images."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.fashion.config import FashionConfig

PROGRAM = Program(
    "yt8m fashion",
    "Writes a data set with real images: videos whose frames are projected Fashion-MNIST images, "
    "among distractors, in the frame-level format of YouTube-8M. Training, validation and test "
    "videos are made of different images.",
    FashionConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.fashion.generator import write

    config = arguments[FashionConfig]
    write(config, progress=True)
    print(
        f"{config.num_train_videos} videos for training, {config.num_validation_videos} for "
        f"validation and {config.num_test_videos} for tests, and vocabulary.csv, "
        f"in {config.output_dir}"
    )


if __name__ == "__main__":
    PROGRAM.run()
