"""`yt8m join-embeddings`: adds embeddings to records as a feature."""

import sys

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m join-embeddings",
    "Copies video-level records and adds the embedding of each video as one more float feature, "
    "so that --feature_names=mean_rgb,mean_audio,cdml reads it.",
    JoinConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.annotation.joining import join_embeddings

    config = arguments[JoinConfig]
    summary = join_embeddings(config, progress=True)
    print(
        f"{summary.num_videos:,} videos in {len(summary.files):,} files in {config.output_dir}, "
        f"with the feature {config.feature_name} of {summary.size} values; "
        f"{summary.num_missing:,} videos have no embedding"
        + (" and zeros in its place" if summary.num_missing else "")
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
