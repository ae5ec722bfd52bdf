"""What synthetic records to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option
from yt8m_models.samples.made_ids import NUM_IDS

LEVELS = ("frame", "video", "segment")


@dataclass(frozen=True)
class SyntheticConfig(Options):
    """The records to write: their format, their number and their seed.

    Raises:
        ValueError: a number is out of its range, names and sizes of features differ in number, or
            a name is empty.
    """

    output_dir: str = option("", "Directory that receives the shards; it is made where missing.")
    level: str = option("frame", f"Format of the records: {', '.join(LEVELS)}.", choices=LEVELS)
    num_videos: int = option(1000, "Videos to write.")
    num_shards: int = option(4, "Files to spread them over.")
    prefix: str = option("train", "Start of the file names, as in train0000.tfrecord.")
    seed: int = option(
        0, "Seed of the videos: the same seed gives the same bytes, another one other videos."
    )
    prototype_seed: int = option(
        0, "Seed of what the classes look like; equal for sets that belong together."
    )
    num_classes: int = option(3862, "Number of classes.")
    vocabulary: str = option(
        "",
        "CSV with the columns Index and TrainVideoCount, whose counts set how frequent the classes "
        "are; without it they follow Zipf's law.",
    )
    feature_names: tuple[str, ...] = option(
        (), "Features to write; rgb,audio unless given (video level: mean_rgb,mean_audio)."
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of each feature.")
    min_frames: int = option(120, "Fewest frames of a video.")
    max_frames: int = option(300, "Most frames of a video.")
    overwrite: bool = option(False, "Replace the shards of an earlier run with the same prefix.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output_dir:
            raise ValueError("--output_dir must name a directory; received nothing")
        if self.level not in LEVELS:
            raise ValueError(f"--level must be one of {', '.join(LEVELS)}; received {self.level!r}")
        if not 1 <= self.num_videos <= NUM_IDS:
            raise ValueError(
                f"--num_videos must be 1 to {NUM_IDS}, the number of ids of four characters; "
                f"received {self.num_videos}"
            )
        if not 1 <= self.num_shards <= self.num_videos:
            raise ValueError(
                f"--num_shards must be 1 to --num_videos={self.num_videos}; "
                f"received {self.num_shards}"
            )
        if not self.prefix or "/" in self.prefix:
            raise ValueError(f"--prefix must be the start of a file name; received {self.prefix!r}")
        for name in ("seed", "prototype_seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} must be at least 0; received {getattr(self, name)}")
        if self.num_classes < 1:
            raise ValueError(f"--num_classes must be at least 1; received {self.num_classes}")
        if not 1 <= self.min_frames <= self.max_frames:
            raise ValueError(
                "--min_frames must be 1 to --max_frames; "
                f"received {self.min_frames} and {self.max_frames}"
            )
        if len(self.names) != len(self.feature_sizes) or not all(self.names):
            raise ValueError(
                "--feature_names and --feature_sizes must have the same number of entries; "
                f"received {list(self.names)} and {list(self.feature_sizes)}"
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"--feature_names must differ; received {list(self.names)}")
        if min(self.feature_sizes) < 1:
            raise ValueError(
                f"--feature_sizes must be at least 1; received {list(self.feature_sizes)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, those of the release unless given."""
        if self.feature_names:
            return self.feature_names
        return ("mean_rgb", "mean_audio") if self.level == "video" else ("rgb", "audio")
