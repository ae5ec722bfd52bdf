"""The flags of `yt8m build-features`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class BuildFeaturesConfig(Options):
    """The records or the table to read, and where the features go."""

    data_pattern: str = option(
        "", "Records to read: file patterns with commas between, or @file with a path a line."
    )
    table: str = option(
        "",
        "Instead of records: an .npz with `ids` and an array for each feature, an .npy with all "
        "features side by side, or .parquet files (a pattern) with the column id or video_id and a "
        "list column for each feature.",
    )
    table_ids: str = option("", "The ids of an .npy --table: an .npy, or text with an id a line.")
    output_dir: str = option(
        "", "Directory that receives the features; local, without others.", required=True
    )
    dtype: str = option(
        "",
        "How video-level values are kept: uint8 (in the data set's steps of 4/255), float16 or "
        "float32; uint8 for records and float32 for a --table unless given.",
        choices=("uint8", "float16", "float32"),
    )
    average_frames: bool = option(
        False,
        "With --frame_features: keep the mean of each video's frames. Otherwise the frames stay in "
        "the records, and the table says where.",
    )
    num_readers: int = option(8, "Files that are read in parallel.", at_least=1)
    max_bad_records: int = option(
        0,
        "Leave out up to this many corrupt or malformed records instead of stopping at the first.",
        at_least=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.data_pattern.strip()) == bool(self.table):
            raise ValueError(
                "one of --data_pattern and --table must be given; received "
                f"{'both' if self.table else 'neither'}"
            )
        if self.table.endswith(".npy") != bool(self.table_ids):
            raise ValueError(
                "--table_ids must be given for an .npy --table, and for no other; received "
                f"{self.table_ids or 'none'}"
            )
