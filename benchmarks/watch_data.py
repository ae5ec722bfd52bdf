"""A watch log and the records of its videos, of any size: written in blocks, without signal.

    write_log(directory, num_rows, num_videos)      rows-00000.parquet …
    write_records(directory, num_videos, sizes)     train0000.tfrecord …

Videos are watched by Zipf's law. Each user has a session of eight rows, and the sessions beyond go
to some users much more often than to others, so that the most active one of U users has a share of
about 1 / √U of them.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from yt8m_models.program.extras import require

ROWS_A_USER = 20
FEATURES = ("mean_rgb", "mean_audio")
_NAME = "v%08d"
_SESSION = 8
_BLOCK = 1 << 20  # rows of a file; whole sessions
_PERIOD = 30 * 86_400
_BEGIN = 1_700_000_000
_VIDEOS_A_SHARD, _VIDEOS_A_BLOCK = 10_000, 1000
_TOPICS, _NOISE, _FADES = 1009, 4093, 211  # without common factors, so that all videos differ


def video_name(number: int) -> str:
    """The id of a video."""
    return _NAME % number


def write_log(
    directory: Path, num_rows: int, num_videos: int, rows_a_user: int = ROWS_A_USER
) -> None:
    """Writes Parquet files with `user_id`, `video_id`, `timestamp` and `watched_seconds`.

    There are `num_rows // rows_a_user` users, at least one. Two rows of a session are four minutes
    apart; a video is watched for up to two minutes.
    """
    num_users = max(1, num_rows // rows_a_user)
    directory.mkdir()
    with require("duckdb").connect() as connection:
        for block, start in enumerate(range(0, num_rows, _BLOCK)):
            rng = np.random.default_rng([0, block])
            rows = np.arange(start, min(start + _BLOCK, num_rows))
            sessions = np.arange(start // _SESSION, rows[-1] // _SESSION + 1)
            others = (num_users * rng.random(len(sessions)) ** 2).astype(np.int64)
            users = np.where(sessions < num_users, sessions, others)
            begins = _BEGIN + rng.integers(_PERIOD, size=len(sessions))
            of_rows = rows // _SESSION - sessions[0]
            watches = pd.DataFrame(
                {
                    "user": users[of_rows],
                    "video": (float(num_videos) ** rng.random(len(rows))).astype(np.int64) - 1,
                    "timestamp": begins[of_rows] + 240 * (rows % _SESSION),
                    "watched_seconds": rng.integers(1, 120, size=len(rows)),
                }
            )
            connection.register("watches", watches)
            connection.execute(
                "COPY (SELECT format('u{:08}', user) AS user_id, format('v{:08}', video) AS "
                "video_id, timestamp, watched_seconds FROM watches) TO "
                f"'{directory}/rows-{block:05}.parquet' (FORMAT parquet)"
            )
            connection.unregister("watches")


def write_records(directory: Path, num_videos: int, sizes: Sequence[int]) -> None:
    """Writes video-level records with `FEATURES` of these sizes: a topic and two sorts of noise."""
    from yt8m_models.samples.shards import write_shards

    rng = np.random.default_rng(1)
    parts = [
        rng.normal(0, 0.3, (count, sum(sizes))).astype(np.float32)
        for count in (_TOPICS, _NOISE, _FADES)
    ]

    @functools.lru_cache(maxsize=1)
    def block(number: int) -> np.ndarray:
        videos = np.arange(number * _VIDEOS_A_BLOCK, (number + 1) * _VIDEOS_A_BLOCK)
        return _records(videos, sum(part[videos % len(part)] for part in parts), sizes)

    def record(number: int) -> bytes:
        of_block, row = divmod(number, _VIDEOS_A_BLOCK)
        serialized: bytes = block(of_block)[row].tobytes()
        return serialized

    num_shards = -(-num_videos // _VIDEOS_A_SHARD)
    write_shards(str(directory), "train", num_shards, num_videos, record)


def _records(videos: np.ndarray, values: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Serialized records, a row of bytes each: one is made, and repeated with the others' values.

    They are equally long, as their ids are. To make each takes 208 µs instead of 6.
    """
    from yt8m_models.data.records import video_record

    features = np.split(values, np.cumsum(sizes)[:-1], axis=1)
    first = {name: feature[0] for name, feature in zip(FEATURES, features, strict=True)}
    names = np.char.mod(_NAME, videos).astype(np.bytes_)
    template = video_record(names[0], [0], first)
    rows = np.tile(np.frombuffer(template, np.uint8), (len(videos), 1))
    for column in (names[:, None], *features):
        its_bytes = np.ascontiguousarray(column).view(np.uint8)
        start = template.index(its_bytes[0].tobytes())
        rows[:, start : start + its_bytes.shape[1]] = its_bytes
    return rows
