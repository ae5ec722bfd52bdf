"""`yt8m synthetic-world`: writes a world of videos, users and watches."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.world.config import WorldConfig

PROGRAM = Program(
    "yt8m synthetic-world",
    "Writes a synthetic world to try embeddings on: a watch log, records of the videos that it is "
    "about, and a vocabulary. Users watch videos by topic and by taste, of which rgb and audio "
    "each show a part, beside much that is of no interest.",
    WorldConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.world.writing import write_world

    config = arguments[WorldConfig]
    summary = write_world(config, progress=True)
    print(
        f"{config.num_videos:,} videos of {config.num_topics} topics, {config.num_users:,} "
        f"users, {summary.num_watches:,} watches, {summary.num_impressions:,} impressions"
    )
    for path in summary.paths:
        print(path)


if __name__ == "__main__":
    PROGRAM.run()
