"""Writing a synthetic world.

watch_log.csv, or .parquet    user_id, video_id, timestamp, watched_seconds, impression
video/train0000.tfrecord …    video-level records: mean_rgb, mean_audio and labels
frame/train0000.tfrecord …    with `frame_features`, frame-level records: rgb, audio and labels
vocabulary.csv                the classes: topics, then moods
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from yt8m_models.data.quantization import quantize
from yt8m_models.data.records import frame_record, video_record
from yt8m_models.program.extras import require
from yt8m_models.samples.shards import write_shards
from yt8m_models.samples.vocabulary import write_vocabulary
from yt8m_models.samples.world.config import LOG_FORMATS, MOODS, WorldConfig
from yt8m_models.samples.world.videos import Videos
from yt8m_models.samples.world.watch_log import watch_log
from yt8m_models.storage.filesystems import scheme
from yt8m_models.storage.whole_file import whole_path

_LOG, _PREFIX = "watch_log", "train"


@dataclass(frozen=True)
class WorldSummary:
    """What a world is made of, and where it is.

    Attributes:
        watch_log: path of the log.
        video_pattern: of the video-level records.
        frame_pattern: of the frame-level records; empty without them.
        vocabulary: path of the vocabulary.
        num_watches: rows of the log for videos that were watched.
        num_impressions: rows for videos that were shown and not watched.
    """

    watch_log: str
    video_pattern: str
    frame_pattern: str
    vocabulary: str
    num_watches: int
    num_impressions: int

    @property
    def paths(self) -> list[str]:
        """The log, the records and the vocabulary."""
        paths = [self.watch_log, self.video_pattern, self.frame_pattern, self.vocabulary]
        return [path for path in paths if path]


def write_world(config: WorldConfig, progress: bool = False) -> WorldSummary:
    """Writes the world that `config` describes.

    Args:
        config: the world, and a local directory.
        progress: show progress on stderr.

    Raises:
        ValueError: the directory is not local, or already holds a world and `overwrite` is false;
            or DuckDB is needed for a Parquet log and not installed.
    """
    directory = _prepared(config)
    videos = Videos(config)
    video_dir, frame_dir = directory / "video", directory / "frame"
    vocabulary_path = directory / "vocabulary.csv"

    def as_example(index: int) -> bytes:
        means = (feature[index] for feature in videos.features)
        by_name = dict(zip(("mean_rgb", "mean_audio"), means, strict=True))
        return video_record(videos.ids[index], videos.labels(index), by_name)

    def as_sequence(index: int) -> bytes:
        by_name = dict(zip(("rgb", "audio"), map(quantize, videos.frames(index)), strict=True))
        return frame_record(videos.ids[index], videos.labels(index), by_name)

    levels = [(video_dir, as_example), (frame_dir, as_sequence)]
    for records_dir, record in levels if config.frame_features else levels[:1]:
        write_shards(
            *(str(records_dir), _PREFIX, config.num_shards, config.num_videos, record),
            overwrite=config.overwrite,
            progress=progress,
        )
    write_vocabulary(
        str(vocabulary_path),
        "world",
        [(f"Topic {topic}", "Topic") for topic in range(config.num_topics)]
        + [(f"Mood {mood}", "Mood") for mood in range(MOODS)],
        map(videos.labels, range(config.num_videos)),
    )
    log_path = directory / f"{_LOG}.{config.log_format}"
    num_watches, num_impressions = _write_log(log_path, watch_log(config, videos))
    pattern = f"{_PREFIX}*.tfrecord"
    return WorldSummary(
        watch_log=str(log_path),
        video_pattern=str(video_dir / pattern),
        frame_pattern=str(frame_dir / pattern) if config.frame_features else "",
        vocabulary=str(vocabulary_path),
        num_watches=num_watches,
        num_impressions=num_impressions,
    )


def _prepared(config: WorldConfig) -> Path:
    """The output directory, without the log of an earlier world."""
    if scheme(config.output_dir):
        raise ValueError(f"--output_dir must be a local directory; received {config.output_dir}")
    if config.log_format == "parquet":
        require("duckdb")
    directory = Path(config.output_dir)
    for log in (directory / f"{_LOG}.{log_format}" for log_format in LOG_FORMATS):
        if log.exists():
            if not config.overwrite:
                raise ValueError(
                    f"{log} exists already; choose another --output_dir, or replace the world "
                    "there with --overwrite"
                )
            log.unlink()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write_log(path: Path, parts: Iterable[pd.DataFrame]) -> tuple[int, int]:
    """Writes the rows; how many are of watches, and how many of impressions."""
    counts = np.zeros(2, int)

    def counted() -> Iterator[pd.DataFrame]:
        for rows in parts:
            yield rows
            counts[:] += np.bincount(rows["impression"], minlength=2)

    with whole_path(path) as partial:
        if path.suffix == ".csv":
            with open(partial, "w") as file:
                for number, rows in enumerate(counted()):
                    rows.to_csv(file, index=False, header=number == 0)
        else:
            _write_parquet(partial, counted())
    num_watches, num_impressions = counts.tolist()
    return num_watches, num_impressions


def _write_parquet(path: str, parts: Iterable[pd.DataFrame]) -> None:
    with require("duckdb").connect() as connection:
        for number, rows in enumerate(parts):
            connection.register("part", rows)
            into = "insert into log" if number else "create table log as"
            connection.execute(f"{into} select * from part")
            connection.unregister("part")
        connection.table("log").write_parquet(path)
