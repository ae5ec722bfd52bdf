"""`python -m yt8m_models.annotation.join_embeddings`: adds embeddings to records as a feature."""

import signal
import sys

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "python -m yt8m_models.annotation.join_embeddings",
    "Copies video-level records and adds the embedding of each video as one more float feature, "
    "so that --feature_names=mean_rgb,mean_audio,cdml reads it.",
    JoinConfig,
)


def main(arguments: Arguments) -> None:
    from yt8m_models.annotation.joining import join_embeddings

    config = arguments[JoinConfig]
    summary = join_embeddings(config, progress=True)
    print(
        f"{summary.num_videos:,} videos in {summary.num_files:,} files in {config.output_dir}, "
        f"with the feature {config.feature_name} of {summary.size} values; "
        f"{summary.num_missing:,} videos have no embedding"
        + (" and zeros in its place" if summary.num_missing else "")
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


def run() -> None:
    """The console script; when terminated, it removes its unfinished files as when interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
