"""`yt8m digits`: writes the sample data set of handwritten digits."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.bags.config import BagsConfig

PROGRAM = Program(
    "yt8m digits",
    "Writes a small data set with real images: videos whose frames are scans of handwritten "
    "digits, among distractors, in the frame-level format of YouTube-8M. Training and validation "
    "videos are made of different scans.",
    BagsConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.digits.generator import write

    config = arguments[BagsConfig]
    write(config, progress=True)
    print(
        f"{config.num_train_videos} videos for training and {config.num_validation_videos} for "
        f"validation, and vocabulary.csv, in {config.output_dir}"
    )


if __name__ == "__main__":
    PROGRAM.run()
