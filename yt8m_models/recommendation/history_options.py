"""The flags that say what is a user's history, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.graph.memory_options import MemoryOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import option


@dataclass(frozen=True)
class HistoryOptions(WatchLogOptions, MemoryOptions):
    """The log of the histories, whose they are, and what of them counts."""

    users: tuple[str, ...] = option(
        (), "Only these users, with commas between; all in --watch_log unless given."
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
