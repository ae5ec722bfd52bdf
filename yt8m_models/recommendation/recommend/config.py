"""What to recommend from, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

MEAN, MAX = "mean", "max"
AGGREGATIONS = (MEAN, MAX)


@dataclass(frozen=True)
class RecommendConfig(Options):
    """The histories, the index, and how many videos for whom.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    user_history: str = option(
        "",
        "What users watched: CSV or Parquet files, as patterns with commas between, with the "
        "columns user_id, video_id, and where there are any rating, timestamp, and impression (1 "
        "where the video was only shown).",
    )
    index_dir: str = option("", "Index of the videos to recommend.")
    embeddings_dir: str = option(
        "",
        "Take the watched videos' embeddings from here, exact and also of videos outside the "
        "index; from the index unless given.",
    )
    output: str = option(
        "", "CSV file for user_id,rank,video_id,score; standard output unless given."
    )
    users: tuple[str, ...] = option(
        (), "Only these users, with commas between; all in --user_history unless given."
    )
    top_k: int = option(20, "Videos for each user.")
    aggregation: str = option(
        MEAN,
        "A video's score: the mean or the max of its similarities to the history's videos.",
        choices=AGGREGATIONS,
    )
    min_stars: float | None = option(None, "History: only videos with a rating of at least this.")
    above_mean: bool = option(False, "History: only videos rated above the user's mean.")
    last_videos: int = option(
        0,
        "History: of those, only this many that were watched last, by timestamp if there is one "
        "and by order in the files if not; 0 takes all.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("user_history", "index_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        if self.top_k < 1:
            raise ValueError(f"--top_k must be at least 1; received {self.top_k}")
        if self.last_videos < 0:
            raise ValueError(f"--last_videos must be at least 0; received {self.last_videos}")
        if self.min_stars is not None and self.min_stars != self.min_stars:
            raise ValueError("--min_stars must be a number; received nan")
