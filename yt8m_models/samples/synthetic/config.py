"""What synthetic records to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option
from yt8m_models.samples.made_ids import NUM_IDS


@dataclass(frozen=True)
class SyntheticConfig(Options):
    """The records to write: their format, their number and their seed."""

    output_dir: str = option(
        "", "Directory that receives the shards; it is made where missing.", required=True
    )
    level: str = option("frame", "Format of the records.", choices=("frame", "video", "segment"))
    num_videos: int = option(1000, "Videos to write.", at_least=1, at_most=NUM_IDS)
    num_shards: int = option(4, "Files to spread them over.", at_least=1)
    prefix: str = option(
        "train", "Start of the file names, as in train0000.tfrecord.", required=True
    )
    seed: int = option(
        0,
        "Seed of the videos: the same seed gives the same bytes, another one other videos.",
        at_least=0,
    )
    prototype_seed: int = option(
        0, "Seed of what the classes look like; equal for sets that belong together.", at_least=0
    )
    num_classes: int = option(3862, "Number of classes.", at_least=1)
    vocabulary: str = option(
        "",
        "CSV with the columns Index and TrainVideoCount, whose counts set how frequent the classes "
        "are; without it they follow Zipf's law.",
    )
    feature_names: tuple[str, ...] = option(
        (),
        "Features to write; rgb,audio unless given (video level: mean_rgb,mean_audio).",
        distinct=True,
    )
    feature_sizes: tuple[int, ...] = option((1024, 128), "Width of each feature.", at_least=1)
    min_frames: int = option(120, "Fewest frames of a video.", at_least=1)
    max_frames: int = option(300, "Most frames of a video.")
    overwrite: bool = option(False, "Replace the shards of an earlier run with the same prefix.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_at_most("num_shards", "num_videos")
        self.require_at_most("min_frames", "max_frames")
        if "/" in self.prefix:
            raise ValueError(f"--prefix must be the start of a file name; received {self.prefix!r}")
        if len(self.names) != len(self.feature_sizes) or not all(self.names):
            raise ValueError(
                "--feature_names and --feature_sizes must have the same number of entries; "
                f"received {list(self.names)} and {list(self.feature_sizes)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, those of the release unless given."""
        if self.feature_names:
            return self.feature_names
        return ("mean_rgb", "mean_audio") if self.level == "video" else ("rgb", "audio")
