"""`yt8m split`: carves a validation set into validation and test."""

import sys

from yt8m_models.data.split.config import SplitConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m split",
    "Splits records in two, validation and test, by a hash of the video id: the same video always "
    "goes to the same part, whatever file it is in. Records are copied as they are.",
    SplitConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.data.split.splitting import split

    config = arguments[SplitConfig]
    summary = split(config, progress=True)
    print(
        f"{summary.num_validation:,} videos in {config.output_dir}/validation, "
        f"{summary.num_test:,} in {config.output_dir}/test, from {summary.num_files:,} files"
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
