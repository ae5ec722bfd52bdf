"""Events grouped by user."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.ragged import offsets_of, runs
from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.graph.engine import engine
from yt8m_models.graph.watch_log import TIME, USER, VIDEO, WatchLog
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.storage.artifact_dir import ArtifactDir, read_array
from yt8m_models.storage.spilled_array import SpilledArray

_EVENTS = ArtifactDir(
    "user_events.json",
    ("user_events",),
    "events by user",
    "yt8m recommend or yt8m glmix",
    __version__,
    {"num_users": int, "num_videos": int, "num_events": int, "values": list},
)
_VECTORS = 128  # of 2,048 rows each, in a block of a result
_ID_VECTORS = 8  # of texts
_BLOCK_EVENTS = 1 << 18


@dataclass(frozen=True)
class UserEvents:
    """All events of a log, one user's after the other's.

    Attributes:
        users: ids of the users.
        videos: ids of the videos.
        offsets: the events of user u are those from `offsets[u]` to `offsets[u + 1]`; int64
            `(users + 1,)`. Each has an event.
        video_rows: the video of each event, int32 `(n,)` rows of `videos`; by user, and in the
            order of the log within each. Memory-mapped, as `values` are.
        values: further columns by name, each `(n,)`; `TIME` in microseconds, int64, and others
            float64.
    """

    users: VideoIds
    videos: VideoIds
    offsets: np.ndarray
    video_rows: np.ndarray
    values: dict[str, np.ndarray]

    @classmethod
    def read(
        cls,
        log: WatchLogOptions,
        required: Sequence[str] = (),
        optional: Sequence[str] = (),
        only_users: Collection[str] = (),
        memory_limit: str = "",
        values: Callable[[Sequence[str]], dict[str, str]] | None = None,
    ) -> "UserEvents":
        """Reads a log; users and videos are in the order of the first event.

        The events are sorted by a database on disk, and go to temporary files: memory is the
        engine's, and that of the distinct ids.

        Args:
            log, required, optional: as of `WatchLog`.
            only_users: events of other users are left out, where any are given.
            memory_limit: as of `engine`.
            values: makes of the names of the columns that all files have those that are kept, by
                name, as expressions of SQL; they are kept as they are unless given.

        Raises:
            ValueError, OSError: as of `engine`, `WatchLog` and `WatchLog.blocks`.
        """
        with (
            tempfile.TemporaryDirectory(prefix="yt8m-") as directory,
            engine(Path(directory) / "log", memory_limit) as connection,
        ):
            files = WatchLog(connection, directory, log, required, optional)
            kept = {name: name for name in files.columns}
            if values is not None:
                kept = values(files.columns)
            types = {name: "BIGINT" if name == TIME else "DOUBLE" for name in kept}
            columns = "".join(f", {name} {kind}" for name, kind in types.items())
            connection.execute(f"CREATE TABLE log (user_id VARCHAR, video_id VARCHAR{columns})")
            for _ in files.blocks(", ".join((USER, VIDEO, *kept.values())), "INSERT INTO log"):
                pass
            connection.execute("SET preserve_insertion_order = false")
            is_wanted = ""
            if only_users:
                connection.execute(
                    "CREATE TABLE wanted AS SELECT unnest(?) AS user_id", [list(only_users)]
                )
                is_wanted = "WHERE user_id IN (SELECT user_id FROM wanted)"
            connection.execute(
                f"CREATE VIEW events AS SELECT *, rowid AS place FROM log {is_wanted}"
            )
            users, counts = _numbered(connection, "user")
            videos, _ = _numbered(connection, "video")
            video_rows = SpilledArray(np.int32)
            spilled = {
                name: SpilledArray(np.int64 if name == TIME else np.float64) for name in kept
            }
            rows = connection.execute(
                f"SELECT {', '.join(('videos.number', *kept))} FROM events "
                "JOIN users USING (user_id) JOIN videos USING (video_id) "
                "ORDER BY users.number, place"
            )
            for block in _blocks(rows, _VECTORS):
                video_rows.append(block["number"])
                for name, array in spilled.items():
                    array.append(block[name])
        mapped = {name: array.mapped() for name, array in spilled.items()}
        return cls(users, videos, offsets_of(counts), video_rows.mapped(), mapped)

    def of_videos(self, is_kept: np.ndarray) -> "UserEvents":
        """The events of some videos, bool `(videos,)`, and the users and videos that they have."""
        numbers = np.cumsum(is_kept) - 1
        counts = np.zeros(len(self.users), np.int64)
        video_rows = SpilledArray(np.int32)
        spilled = {name: SpilledArray(array.dtype.type) for name, array in self.values.items()}
        for start, stop in self.blocks():
            offsets = self.offsets[start : stop + 1]
            own = slice(offsets[0], offsets[-1])
            kept = is_kept[self.video_rows[own]]
            counts[start:stop] = np.add.reduceat(kept, offsets[:-1] - offsets[0], dtype=np.int64)
            video_rows.append(numbers[self.video_rows[own][kept]])
            for name, array in spilled.items():
                array.append(self.values[name][own][kept])
        mapped = {name: array.mapped() for name, array in spilled.items()}
        users = VideoIds(self.users[counts > 0])
        videos = VideoIds(self.videos[is_kept])
        return UserEvents(
            users, videos, offsets_of(counts[counts > 0]), video_rows.mapped(), mapped
        )

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
        """Runs of the users of rows `[start, stop)` whose events together take little memory."""
        stop = len(self.users) if stop is None else stop
        of_rows = runs(self.offsets[start : stop + 1], _BLOCK_EVENTS)
        return ((start + first, start + last) for first, last in of_rows)

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the events for `open`, as an artifact of a run."""
        arrays = {
            **self.users.arrays("users"),
            **self.videos.arrays("videos"),
            "offsets": self.offsets,
            "video_rows": self.video_rows,
            **{f"value_{name}": array for name, array in self.values.items()},
        }
        record = {
            "num_users": len(self.users),
            "num_videos": len(self.videos),
            "num_events": len(self),
            "values": list(self.values),
        }
        _EVENTS.write(_EVENTS.prepare(directory), record, arrays)

    @classmethod
    def open(cls, directory: str | os.PathLike[str]) -> "UserEvents":
        """Maps the events that `save` wrote in a directory into memory.

        Raises:
            ValueError: there are none, or they are damaged.
        """
        record = _EVENTS.read(directory)
        num_users, shape = record["num_users"], (record["num_events"],)
        offsets = read_array(directory, "offsets", np.int64, (num_users + 1,))
        if offsets[0] != 0 or offsets[-1] != shape[0] or (np.diff(offsets) < 1).any():
            raise ValueError(f"{directory}: offsets must rise from 0 to {shape[0]}")
        return cls(
            VideoIds.load(directory, num_users, "users"),
            VideoIds.load(directory, record["num_videos"], "videos"),
            offsets,
            read_array(directory, "video_rows", np.int32, shape),
            {
                name: read_array(directory, f"value_{name}", np.number, shape)
                for name in record["values"]
            },
        )

    @property
    def user_rows(self) -> np.ndarray:
        """The user of each event, int64 `(n,)`, rising; in memory."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.offsets))

    def __len__(self) -> int:
        """The number of events."""
        return len(self.video_rows)


def _numbered(connection: Any, name: str) -> tuple[VideoIds, np.ndarray]:
    """Makes the table `NAMEs` of the ids and their numbers, by the first event of each.

    Returns:
        The ids, and how many events each has.
    """
    connection.execute(
        f"CREATE TABLE {name}s AS SELECT {name}_id, count(*) AS size, "
        f"CAST(row_number() OVER (ORDER BY min(place)) - 1 AS INTEGER) AS number "
        f"FROM events GROUP BY {name}_id"
    )
    counts = [np.zeros(0, np.int64)]

    def ids() -> Iterator[np.ndarray]:
        query = f"SELECT {name}_id, size FROM {name}s ORDER BY number"
        for block in _blocks(connection.execute(query), _ID_VECTORS):
            counts.append(block["size"].to_numpy(np.int64))
            yield as_bytes(block[f"{name}_id"])

    packed = PackedIds.pack(ids())
    return VideoIds(packed), np.concatenate(counts)


def _blocks(rows: Any, vectors: int) -> Iterator[Any]:
    """The rows of a query as DataFrames."""
    while len(block := rows.fetch_df_chunk(vectors)):
        yield block
