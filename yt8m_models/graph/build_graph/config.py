"""The flags of `yt8m build-graph`, without TensorFlow and NumPy."""

import math
import re
from dataclasses import dataclass

from yt8m_models.program.option import Options, option

RULES = ("session", "valid_watch")

_MEMORY = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)


@dataclass(frozen=True)
class BuildGraphConfig(Options):
    """The watch log, what counts as watched together, and where the graph goes.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    watch_log: str = option(
        "",
        "Local CSV (with a header; compressed or not) and .parquet files, as patterns with commas "
        "between, or @file with a path a line. Columns user_id, video_id and timestamp (seconds, "
        "or ISO 8601 text, in UTC without an offset); optional are watched_seconds, and impression "
        "(1 for a video that was shown and not watched).",
    )
    output_dir: str = option(
        "", "Directory that receives the graph; local, with room for intermediate results."
    )
    rule: str = option(
        "session",
        "Which videos a member co-watched: those that follow each other in a session (session), "
        "or all within --window_minutes (valid_watch).",
        choices=RULES,
    )
    session_gap_minutes: float = option(
        30.0, "A session ends where the next video begins more than this after the last one began."
    )
    window_minutes: float = option(
        30.0,
        "How far apart two watches begin at most, by the rule valid_watch; and a watch and an "
        "impression, for either rule.",
    )
    min_watched_seconds: float = option(
        0.0,
        "Watches count if watched_seconds is more than this; 0 counts all, and reads no such "
        "column.",
    )
    min_count: int = option(1, "Leave out edges with fewer members than this.")
    train_fraction: float = option(
        0.7, "Share of the videos in the training partition; the others are for evaluation."
    )
    seed: int = option(0, "Another seed partitions the videos otherwise.")
    features_dir: str = option(
        "",
        "Features, as written by yt8m build-features, to count the videos that have none.",
    )
    memory_limit: str = option(
        "4GB", "Memory of the database engine; beyond it, it goes on on disk, in --output_dir."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("watch_log", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given; received nothing")
        if self.rule not in RULES:
            raise ValueError(f"--rule must be {' or '.join(RULES)}; received {self.rule!r}")
        for name in ("session_gap_minutes", "window_minutes"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"--{name} must be positive; received {getattr(self, name)}")
        for name, least in (("min_watched_seconds", 0), ("min_count", 1), ("seed", 0)):
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        if not 0 < self.train_fraction < 1:
            raise ValueError(
                f"--train_fraction must be between 0 and 1; received {self.train_fraction}"
            )
        if not _MEMORY.fullmatch(self.memory_limit.strip()):
            raise ValueError(
                f"--memory_limit must be a size such as 2GB; received {self.memory_limit!r}"
            )
