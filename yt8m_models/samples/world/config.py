"""The flags of `yt8m synthetic-world`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option
from yt8m_models.samples.made_ids import NUM_IDS

LOG_FORMATS = ("csv", "parquet")
MOODS = 4


@dataclass(frozen=True)
class WorldConfig(Options):
    """The world to write: its videos, its users and what they watch."""

    output_dir: str = option(
        "", "Directory that receives the world; it is made where missing.", required=True
    )
    num_videos: int = option(4000, "Videos.", at_most=NUM_IDS)
    num_users: int = option(3000, "Users.", at_least=1)
    num_looks: int = option(
        8, "Kinds of video that rgb tells apart. A topic is a look with a sound.", at_least=1
    )
    num_sounds: int = option(2, "Kinds of video that audio tells apart.", at_least=1)
    sessions_per_user: int = option(10, "Sessions of each user, each on a topic.", at_least=1)
    shown_per_session: int = option(
        12,
        "Videos that a session shows; the user watches 2 to half of them, those of their taste.",
        at_least=2,
    )
    new_fraction: float = option(
        0.0,
        "Share of the videos that are new: they are first shown on a day of their own. The others "
        "are shown from the first day.",
        at_least=0,
        at_most=1,
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of rgb and of audio.", at_least=1)
    frame_features: bool = option(
        False, "Write frame-level records too, beside the video-level ones."
    )
    min_frames: int = option(20, "Fewest frames of a video.", at_least=1)
    max_frames: int = option(60, "Most frames of a video.")
    log_format: str = option("csv", "Format of the watch log.", choices=LOG_FORMATS)
    num_shards: int = option(2, "Files to spread the records over.", at_least=1)
    seed: int = option(0, "The same seed gives the same world, another one another.", at_least=0)
    overwrite: bool = option(False, "Replace the world of an earlier run in --output_dir.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_videos < 2 * self.num_topics:
            raise ValueError(
                f"--num_videos must be at least {2 * self.num_topics}, 2 for each of --num_looks "
                f"times --num_sounds topics; received {self.num_videos}"
            )
        if len(self.feature_sizes) != 2:
            raise ValueError(
                "--feature_sizes must be the sizes of rgb and of audio; "
                f"received {list(self.feature_sizes)}"
            )
        self.require_at_most("min_frames", "max_frames")
        self.require_at_most("num_shards", "num_videos")

    @property
    def num_topics(self) -> int:
        return self.num_looks * self.num_sounds

    @property
    def num_classes(self) -> int:
        return self.num_topics + MOODS
