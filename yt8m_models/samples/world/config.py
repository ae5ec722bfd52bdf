"""The flags of `yt8m synthetic-world`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option
from yt8m_models.samples.made_ids import NUM_IDS

LOG_FORMATS = ("csv", "parquet")

_AT_LEAST = {
    "num_users": 1,
    "num_looks": 1,
    "num_sounds": 1,
    "sessions_per_user": 1,
    "shown_per_session": 2,
    "num_shards": 1,
    "seed": 0,
}


@dataclass(frozen=True)
class WorldConfig(Options):
    """The world to write: its videos, its users and what they watch.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    output_dir: str = option("", "Directory that receives the world; it is made where missing.")
    num_videos: int = option(4000, "Videos.")
    num_users: int = option(3000, "Users.")
    num_looks: int = option(
        8, "Kinds of video that rgb tells apart. A topic is a look with a sound."
    )
    num_sounds: int = option(2, "Kinds of video that audio tells apart.")
    sessions_per_user: int = option(10, "Sessions of each user, each on a topic.")
    shown_per_session: int = option(
        12, "Videos that a session shows; the user watches 2 to half of them, those of their taste."
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of rgb and of audio.")
    frame_features: bool = option(
        False, "Write frame-level records too, beside the video-level ones."
    )
    min_frames: int = option(20, "Fewest frames of a video.")
    max_frames: int = option(60, "Most frames of a video.")
    log_format: str = option(
        "csv", f"Format of the watch log: {' or '.join(LOG_FORMATS)}.", choices=LOG_FORMATS
    )
    num_shards: int = option(2, "Files to spread the records over.")
    seed: int = option(0, "The same seed gives the same world, another one another.")
    overwrite: bool = option(False, "Replace the world of an earlier run in --output_dir.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output_dir:
            raise ValueError("--output_dir must name a directory; received nothing")
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        least = 2 * self.num_topics
        if not least <= self.num_videos <= NUM_IDS:
            raise ValueError(
                f"--num_videos must be {least} (2 for each of --num_looks times --num_sounds "
                f"topics) to {NUM_IDS}, the number of ids; received {self.num_videos}"
            )
        if len(self.feature_sizes) != 2 or min(self.feature_sizes) < 1:
            raise ValueError(
                "--feature_sizes must be the sizes of rgb and of audio, each at least 1; "
                f"received {list(self.feature_sizes)}"
            )
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(
                "--min_frames must be 1 to --max_frames; "
                f"received {self.min_frames} and {self.max_frames}"
            )
        if self.num_shards > self.num_videos:
            raise ValueError(
                f"--num_shards must be at most --num_videos={self.num_videos}; "
                f"received {self.num_shards}"
            )
        if self.log_format not in LOG_FORMATS:
            raise ValueError(
                f"--log_format must be {' or '.join(LOG_FORMATS)}; received {self.log_format!r}"
            )

    @property
    def num_topics(self) -> int:
        return self.num_looks * self.num_sounds
