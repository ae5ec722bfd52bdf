"""`yt8m ensemble A.csv B.csv …`: averages submission files."""

import sys

from yt8m_models.prediction.ensemble.config import EnsembleConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m ensemble",
    "Averages submission files of videos, which need not cover the same videos and classes: a pair "
    "of video and class that a file lacks counts 0. Writes each video's best classes again.",
    EnsembleConfig,
    positional="input_files",
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.prediction.ensemble.ensembling import ensemble

    config = arguments[EnsembleConfig]
    summary = ensemble(config, progress=True)
    print(
        f"{summary.num_videos:,} videos averaged from {summary.num_files} files in "
        f"{summary.seconds:,.1f} s, written to {config.output_file}"
    )
    if summary.num_partial:
        print(f"{summary.num_partial:,} of the videos are not in every file", file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
