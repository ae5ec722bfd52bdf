"""The flags of `yt8m build-graph`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.graph.memory_options import MemoryOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import option

RULES = ("session", "valid_watch")
EDGE_WEIGHTS = ("users", "events")


@dataclass(frozen=True)
class BuildGraphConfig(WatchLogOptions, MemoryOptions):
    """The watch log, what counts as watched together, and where the graph goes.

    Raises:
        ValueError: as of `WatchLogOptions` and `MemoryOptions`; or `max_pairs_per_window` is given
            for another rule.
    """

    output_dir: str = option(
        "",
        "Directory that receives the graph; local, with room for intermediate results.",
        required=True,
    )
    rule: str = option(
        "session",
        "Which videos a user co-watched: those that follow each other in a session (session), "
        "or all within --window_minutes (valid_watch).",
        choices=RULES,
    )
    session_gap_minutes: float = option(
        30.0,
        "A session ends where the next video begins more than this after the last one began.",
        above=0,
    )
    window_minutes: float = option(
        30.0,
        "How far apart two watches begin at most, by the rule valid_watch; and a watch and an "
        "impression, for either rule.",
        above=0,
    )
    max_events_per_user: int = option(
        0,
        "Of a user with more watches and impressions than this only the latest count, in order of "
        "time and of the log; 0 counts all. The program says how many are left out.",
        at_least=0,
    )
    max_pairs_per_window: int = option(
        0,
        "--rule=valid_watch: a watch makes pairs with at most this many watches in the window "
        "before it, the last ones; 0 for all. The program says how many pairs are left out.",
        at_least=0,
    )
    min_watched_seconds: float = option(
        0.0,
        "Watches count if watched_seconds is more than this; 0 counts all, and reads no such "
        "column.",
        at_least=0,
    )
    edge_weights: str = option(
        "users",
        "What an edge counts: the users who co-watched its videos (users), or how often they were "
        "co-watched (events).",
        choices=EDGE_WEIGHTS,
    )
    min_count: int = option(1, "Leave out edges that count fewer than this.", at_least=1)
    min_views: int = option(
        1,
        "Leave out videos with fewer watches in the log than this. They still stand between others "
        "in a session.",
        at_least=1,
    )
    train_fraction: float = option(
        0.7,
        "Share of the videos in the training partition; the others are for evaluation. 1 trains on "
        "all.",
        above=0,
        at_most=1,
    )
    seed: int = option(0, "Another seed partitions the videos otherwise.", at_least=0)
    features_dir: str = option(
        "", "Features, as written by yt8m build-features, to count the videos that have none."
    )
    memory_limit: str = option(
        "4GB",
        "Memory, of which the database engine takes half; beyond that it goes on on disk, in "
        "--output_dir. With --engine=spark this is for reading a file in a worker.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_pairs_per_window and self.rule != "valid_watch":
            raise ValueError(
                "--max_pairs_per_window goes with --rule=valid_watch; received "
                f"{self.max_pairs_per_window} with --rule={self.rule}"
            )
