"""`yt8m build-features`: a table of features by video id."""

import sys

from yt8m_models.config import DataConfig
from yt8m_models.engines.options import EngineOptions
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m build-features",
    "Writes a table from which the features of any videos are read at random: the features of "
    "video-level records or of a NumPy or Parquet table, memory-mapped; or, with --frame_features, "
    "where in its file each frame-level record begins.",
    BuildFeaturesConfig,
    DataConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.features.build_features.building import build_features

    config = arguments[BuildFeaturesConfig]
    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        summary = build_features(config, arguments[DataConfig], progress=True, spark=spark)
    print(
        f"{summary.num_videos:,} videos in {config.output_dir}, {summary.num_bytes:,} bytes, "
        f"{summary.num_videos / summary.seconds:,.0f} videos/s"
    )
    if summary.num_clipped:
        print(
            f"{summary.num_clipped:,} values beyond -1.99 to 2.01 were clipped; "
            "--dtype=float16 keeps them",
            file=sys.stderr,
        )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
