"""`yt8m extract`: makes records of video files."""

import sys

from yt8m_models.engines.options import EngineOptions
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m extract",
    "Makes records of video files in the format of YouTube-8M: a frame a second, features of "
    "pictures and of sound. The same command goes on where an earlier run was interrupted.",
    ExtractConfig,
    ExtractionConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.extraction.extract.extraction import extract

    config = arguments[ExtractConfig]
    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        summary = extract(config, arguments[ExtractionConfig], progress=True, spark=spark)
    print(
        f"{summary.num_videos:,} videos with {summary.num_frames:,} frames in "
        f"{summary.num_shards:,} files of {config.output_dir}\n"
        f"Programs read them with {summary.data_flags}"
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
