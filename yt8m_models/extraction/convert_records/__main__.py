"""`yt8m convert-records`: records of other programs as YouTube-8M's, and back."""

import sys

from yt8m_models.extraction.convert_records.config import ConvertConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m convert-records",
    "Converts records of MediaPipe (media sequences), AudioSet and YouTube-8M of 2017 to "
    "YouTube-8M's of 2018, and these to MediaPipe's, file by file.",
    ConvertConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.extraction.convert_records.converting import convert_records

    config = arguments[ConvertConfig]
    summary = convert_records(config, progress=True)
    features = ", ".join(f"{key} as {name}" for key, name in summary.features.items())
    print(
        f"{summary.num_videos:,} videos in {summary.num_files:,} files in {config.output_dir}, "
        f"from {summary.from_format} to {config.to_format}" + (f": {features}" if features else "")
    )
    for number, what in (
        (summary.num_unlabelled, "without labels"),
        (summary.num_empty, "without frames"),
        (summary.num_unequal, "with features of different lengths"),
    ):
        if number:
            print(f"{number:,} {what}")
    if summary.clipped_share:
        print(f"{summary.clipped_share:.2%} of the values were beyond -2 to 2 and clipped")
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
