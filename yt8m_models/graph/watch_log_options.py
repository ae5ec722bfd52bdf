"""The flags that name a watch log and its columns, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

AUTO = "auto"
TIME_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class WatchLogOptions(Options):
    """The files of a watch log, and where in them a program finds what it needs.

    Raises:
        ValueError: as of `Options`; or the separator is not one character.
    """

    watch_log: str = option(
        "",
        "Local CSV (compressed or not) and .parquet files, as patterns with commas between, or "
        "@file with a path a line; a row for each video that was watched, shown or rated. Columns "
        "that a program does not need may be missing.",
        aliases=("user_history", "events"),
        required=True,
    )
    user_column: str = option("user_id", "Column of the users' ids.", required=True)
    video_column: str = option("video_id", "Column of the videos' ids.", required=True)
    time_column: str = option(
        "timestamp",
        "Column of the times: numbers, or date and time as in 2026-01-31T20:15:00Z, in UTC without "
        "an offset.",
        required=True,
    )
    time_unit: str = option(
        AUTO,
        "Unit of times that are numbers, since 1970: seconds (s), milliseconds (ms), microseconds "
        "(us), nanoseconds (ns), or what their size says (auto).",
        choices=(AUTO, *TIME_UNITS),
    )
    watched_seconds_column: str = option(
        "watched_seconds", "Column of how long a video was watched.", required=True
    )
    impression_column: str = option(
        "impression", "Column with 1 for a video that was shown and not watched.", required=True
    )
    rating_column: str = option("rating", "Column of the stars that a user gave.", required=True)
    label_column: str = option(
        "label", "Column with 1 for a liked video and 0 for another.", required=True
    )
    separator: str = option(
        "",
        "CSV: what is between two fields, such as ; or tab; unless given a tab in .tsv files and "
        "else a comma.",
    )
    header: bool = option(
        True, "CSV: the first line names the columns. With --noheader they are named 1, 2 and on."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator not in ("", "tab") and len(self.separator) != 1:
            raise ValueError(
                f"--separator must be one character or tab; received {self.separator!r}"
            )
