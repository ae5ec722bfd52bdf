"""Splitting a watch log by time, out of core."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.graph.engine import engine
from yt8m_models.graph.split_log.config import SplitLogConfig
from yt8m_models.graph.split_time_options import microseconds
from yt8m_models.graph.watch_log import (
    IMPRESSION,
    LABEL,
    MICROSECONDS,
    RATING,
    TIME,
    USER,
    VIDEO,
    WATCHED,
    WatchLog,
)
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.progress import Progress
from yt8m_models.storage.filesystems import scheme
from yt8m_models.storage.whole_file import whole_path, write_text

TRAIN, TEST, COLD_START, RECORD = (
    *("train.csv", "test.csv"),
    *("cold_start_videos.txt", "split_log.json"),
)
_SPILL = ".split_log"
_COPY = "COPY ({}) TO '{}' (FORMAT csv, HEADER {}, FORCE_QUOTE ({}))"


@dataclass(frozen=True)
class LogSplit:
    """What was counted.

    Attributes:
        first_test_time: when tests begin, in UTC.
        num_train: rows before it, without those of cold-start videos.
        num_test: rows from then on.
        num_cold_videos: videos that nobody watched before it.
        num_cold_test: rows of these from then on.
        num_left_out: rows of these before it, all of them impressions.
    """

    first_test_time: str
    num_train: int
    num_test: int
    num_cold_videos: int
    num_cold_test: int
    num_left_out: int


def split_log(config: SplitLogConfig, progress: bool = False) -> LogSplit:
    """Writes the rows of a log before a time, and those from then on, in the order of the log.

        train.csv               user_id,video_id,timestamp, in seconds since 1970, and those of
        test.csv                watched_seconds, impression, rating and label that the log has
        cold_start_videos.txt   the videos that nobody watched before: an id a line, sorted
        split_log.json          what was counted; written last

    Nothing before the time is written of a cold-start video: an impression of a video that nobody
    has watched yet does not train either.

    Raises:
        ValueError: the log is wrong as of `WatchLog`, or has no rows; the directory is not local or
            holds a split; or nothing is left for training, or nothing for tests.
        OSError: there is no room on disk.
    """
    directory = _prepared(config.output_dir)
    with engine(directory / _SPILL) as connection:
        optional = (WATCHED, IMPRESSION, RATING, LABEL)
        log = WatchLog(connection, directory / _SPILL, config, [TIME], optional)
        with Progress(len(log.paths) + 2, "steps", "splitting", enabled=progress) as bar:
            _read(connection, log, bar)
            cut = _cut(connection, config)
            connection.execute(
                f"CREATE TABLE cold AS SELECT {VIDEO} FROM log GROUP BY {VIDEO} "
                f"HAVING count(*) FILTER ({TIME} < {cut} AND {IMPRESSION} = 0) = 0"
            )
            bar.update(1, now="counting")
            summary = _summary(connection, cut)
            _require_both(config, summary)
            bar.update(1, now="writing")
            columns = [USER, VIDEO, TIME, *(name for name in log.columns if name != TIME)]
            is_train = f"{TIME} < {cut} AND {VIDEO} NOT IN (FROM cold)"
            for name, condition in ((TRAIN, is_train), (TEST, f"{TIME} >= {cut}")):
                with whole_path(directory / name) as path:
                    _write(connection, columns, condition, path)
        videos = connection.execute(f"SELECT {VIDEO} FROM cold ORDER BY {VIDEO}").fetchall()
    write_text(directory / COLD_START, "".join(f"{video}\n" for (video,) in videos))
    write_text(directory / RECORD, json.dumps(asdict(summary), indent=1) + "\n")
    return summary


def _prepared(output_dir: str) -> Path:
    if scheme(output_dir):
        raise ValueError(f"--output_dir must be a local directory; received {output_dir}")
    directory = Path(output_dir)
    if (directory / RECORD).exists():
        raise ValueError(f"{directory} already holds a split log; choose another --output_dir")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _read(connection: Any, log: WatchLog, bar: Progress) -> None:
    """Makes the table `log`, its rows in the order of the files."""
    numbers = [name for name in log.columns if name != TIME]
    numbers += [] if IMPRESSION in numbers else [IMPRESSION]
    columns = ", ".join(f"{name} DOUBLE" for name in numbers)
    connection.execute(
        f"CREATE TABLE log ({USER} VARCHAR, {VIDEO} VARCHAR, {TIME} BIGINT, {columns})"
    )
    values = ", ".join((USER, VIDEO, TIME, *numbers))
    for _ in log.blocks(values, into="INSERT INTO log"):
        bar.update(1)


def _cut(connection: Any, config: SplitLogConfig) -> int:
    """When tests begin, in microseconds since 1970."""
    if config.test_after:
        return microseconds(config.test_after)
    [(count,)] = connection.execute("SELECT count(*) FROM log").fetchall()
    if not count:
        raise ValueError(f"there are no rows in {config.watch_log}")
    place = min(round((1 - config.test_fraction) * count), count - 1)
    query = f"SELECT {TIME} FROM log ORDER BY {TIME} LIMIT 1 OFFSET {place}"
    [(cut,)] = connection.execute(query).fetchall()
    return int(cut)


def _summary(connection: Any, cut: int) -> LogSplit:
    query = (
        f"SELECT count(*) FILTER ({TIME} < {cut} AND NOT is_cold), "
        f"count(*) FILTER ({TIME} >= {cut}), (SELECT count(*) FROM cold), "
        f"count(*) FILTER ({TIME} >= {cut} AND is_cold), "
        f"count(*) FILTER ({TIME} < {cut} AND is_cold) "
        f"FROM (SELECT {TIME}, {VIDEO} IN (FROM cold) AS is_cold FROM log)"
    )
    [counts] = connection.execute(query).fetchall()
    seconds = np.datetime64(cut // MICROSECONDS, "s")
    return LogSplit(f"{seconds}Z", *counts)


def _require_both(config: SplitLogConfig, summary: LogSplit) -> None:
    given = f"--test_fraction={config.test_fraction:g}"
    if config.test_after:
        given = f"--test_after={config.test_after}"
    for what, count in (("training", summary.num_train), ("tests", summary.num_test)):
        if not count:
            raise ValueError(
                f"{given} leaves no row of {config.watch_log} for {what}: tests begin at "
                f"{summary.first_test_time}"
            )


def _write(connection: Any, columns: list[str], condition: str, path: str) -> None:
    """Writes the rows that fit, under the names that programs expect unless told otherwise."""
    values = {name: f"{name}::{_kind(name)}" for name in columns}
    values |= {USER: USER, VIDEO: VIDEO, TIME: f"{TIME} / {MICROSECONDS}"}
    named = [f'{value} AS "{_usual_name(name)}"' for name, value in values.items()]
    query = f"SELECT {', '.join(named)} FROM log WHERE {condition} ORDER BY rowid"
    quoted = path.replace("'", "''")
    texts = f"{_usual_name(USER)}, {_usual_name(VIDEO)}"
    connection.execute(_COPY.format(query, quoted, "true", texts))


def _kind(name: str) -> str:
    return "TINYINT" if name in (IMPRESSION, LABEL) else "DOUBLE"


def _usual_name(name: str) -> str:
    """What a watch log calls a column unless flags say otherwise."""
    return str(getattr(WatchLogOptions, f"{name}_column"))
