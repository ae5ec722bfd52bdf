"""What to recommend from, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.graph.memory_options import MemoryOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import option

MEAN, MAX = "mean", "max"
AGGREGATIONS = (MEAN, MAX)


@dataclass(frozen=True)
class RecommendConfig(WatchLogOptions, MemoryOptions):
    """The histories, the index, and how many videos for whom."""

    index_dir: str = option("", "Index of the videos to recommend.", required=True)
    embeddings_dir: str = option(
        "",
        "Take the watched videos' embeddings from here, exact and also of videos outside the "
        "index; from the index unless given.",
    )
    output: str = option(
        "", "CSV file for user_id,rank,video_id,score; standard output unless given."
    )
    users: tuple[str, ...] = option(
        (), "Only these users, with commas between; all in --watch_log unless given."
    )
    top_k: int = option(20, "Videos for each user.", at_least=1)
    aggregation: str = option(
        MEAN,
        "A video's score: the mean or the max of its similarities to the history's videos.",
        choices=AGGREGATIONS,
    )
    min_stars: float | None = option(None, "History: only videos with a rating of at least this.")
    above_mean: bool = option(False, "History: only videos rated above the user's mean.")
    min_watched_seconds: float = option(
        0.0,
        "History: only videos that were watched for more than this; 0 takes all, and reads no such "
        "column.",
        at_least=0,
    )
    last_videos: int = option(
        0,
        "History: of those, only this many that were watched last, by time if the files have it "
        "and by order in them if not; 0 takes all.",
        at_least=0,
    )
