"""`yt8m digits`: writes the sample data set of handwritten digits."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.digits.config import DigitsConfig

PROGRAM = Program(
    "yt8m digits",
    "Writes a small data set with real images: videos whose frames are scans of handwritten "
    "digits, among distractors, in the frame-level format of YouTube-8M. Training and held-out "
    "videos are made of different scans.",
    DigitsConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.digits.generator import write

    config = arguments[DigitsConfig]
    write(config, progress=True)
    print(
        f"{config.num_train_videos} videos for training and {config.num_eval_videos} held out, "
        f"and vocabulary.csv, in {config.output_dir}"
    )


if __name__ == "__main__":
    PROGRAM.run()
