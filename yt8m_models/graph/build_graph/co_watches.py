"""Which videos were watched together, as tables of the database."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from yt8m_models.data.video_ids import as_bytes
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.watch_log import (
    IMPRESSION,
    MICROSECONDS,
    TIME,
    USER,
    VIDEO,
    WATCHED,
    WatchLog,
)
from yt8m_models.program.progress import Progress

WATCH, SHORT_WATCH, SHOWN = 0, 1, 2

_VECTORS = 512  # of 2,048 rows each, in a block of a result


class CoWatches:
    """A log as tables of a database, and which of its videos were watched together.

    Args:
        connection: of the engine.
        config: what counts as watched, and as watched together.
    """

    def __init__(self, connection: Any, config: BuildGraphConfig) -> None:
        self._connection = connection
        self._config = config
        self._window = _microseconds(config.window_minutes)

    def read(self, log: WatchLog, bar: Progress) -> int:
        """Makes the table `log`: `user_id`, `video_id`, `time` in microseconds, and `kind`.

        Its rows, and so their numbers `rowid`, are in the order of the files.

        `kind` is `WATCH`, `SHORT_WATCH` (no longer than `min_watched_seconds`) or `SHOWN`.

        Returns:
            The number of rows.

        Raises:
            ValueError: as of `WatchLog.blocks`; or there is no row in any file.
        """
        self._connection.execute(
            "CREATE TABLE log (user_id VARCHAR, video_id VARCHAR, time BIGINT, kind TINYINT)"
        )
        kind = f"CASE WHEN {IMPRESSION} = 1 THEN {SHOWN} "
        if shortest := self._config.min_watched_seconds:
            kind += f"WHEN {WATCHED} <= {shortest} THEN {SHORT_WATCH} "
        num_rows = 0
        values = f"{USER}, {VIDEO}, {TIME}, {kind} ELSE {WATCH} END"
        for inserted in log.blocks(values, into="INSERT INTO log"):
            num_rows += int(inserted.iloc[0, 0])
            bar.update(rows=num_rows)
        self._connection.execute("SET preserve_insertion_order = false")  # no table needs it
        if not num_rows:
            raise ValueError(f"the watch log is empty: there are no rows in {', '.join(log.paths)}")
        return num_rows

    def number_events(self) -> np.ndarray:
        """Replaces the table `log` by `videos`, with ids and their rows, and `events`, with rows.

        The `place` of an event is that of its row in the log. Videos with fewer than `min_views`
        watches have negative rows: they are no part of pairs, and their events still are of
        sessions.

        Returns:
            The ids of the videos by row, bytes.

        Raises:
            ValueError: no video has as many watches.
        """
        if (min_views := self._config.min_views) > 1:
            watches = f"count(*) FILTER (kind = {WATCH})"
            counts = f"SELECT video_id, {watches} >= {min_views} AS is_kept, {watches} AS views"
        else:
            counts = "SELECT video_id, true AS is_kept, 0 AS views"
        self._connection.execute(
            "CREATE TABLE videos AS SELECT video_id, views, CASE WHEN is_kept "
            "THEN (row_number() OVER (PARTITION BY is_kept ORDER BY video_id) - 1)::INTEGER "
            "ELSE -row_number() OVER (PARTITION BY is_kept ORDER BY video_id)::INTEGER "
            f"END AS video FROM ({counts} FROM log GROUP BY video_id); "
            "CREATE TABLE users AS SELECT user_id, (row_number() OVER () - 1)::INTEGER AS user "
            "FROM (SELECT DISTINCT user_id FROM log); "
            "CREATE TABLE events AS SELECT user, video, time, kind, log.rowid AS place "
            "FROM log JOIN videos USING (video_id) JOIN users USING (user_id); "
            "DROP TABLE log"
        )
        if not self.count("videos WHERE video >= 0"):
            query = "SELECT max(views) FROM videos"
            [(most,)] = self._connection.execute(query).fetchall()
            raise ValueError(
                f"--min_views={min_views} leaves no video: the most watches that one has are {most}"
            )
        blocks = self._blocks("SELECT video_id FROM videos WHERE video >= 0 ORDER BY video")
        return np.concatenate([as_bytes(texts) for (texts,) in blocks])

    def count_kinds(self) -> dict[int, int]:
        """How many events there are of each kind that there is."""
        query = "SELECT kind, count(*) FROM events GROUP BY kind"
        return dict(self._connection.execute(query).fetchall())

    def count_same_times(self) -> int:
        """How often a user began two videos or more at the same time."""
        return self.count(
            f"(SELECT 1 FROM events WHERE kind = {WATCH} "
            "GROUP BY user, time HAVING min(video) < max(video))"
        )

    def count_pairs(self) -> int:
        """Makes the table `pairs`: two videos `a < b`, and the `weight` of their edge.

        Returns:
            How many edges `min_count` leaves.

        Raises:
            ValueError: none.
        """
        config = self._config
        co_watches = self._session() if config.rule == "session" else self._valid_watch()
        distinct = "DISTINCT" if config.edge_weights == "users" else ""
        self._connection.execute(
            "CREATE TABLE pairs AS SELECT a, b, count(*)::INTEGER AS weight "
            f"FROM (SELECT {distinct} user, least(video, other) AS a, greatest(video, other) AS b "
            f"FROM ({co_watches}) WHERE video <> other AND video >= 0 AND other >= 0) GROUP BY a, b"
        )
        query = "SELECT count(*) FILTER (weight >= ?), coalesce(max(weight), 0) FROM pairs"
        [(num_edges, largest)] = self._connection.execute(query, [config.min_count]).fetchall()
        if not largest:
            among = f" among those with --min_views={config.min_views}"
            raise ValueError(
                f"no two videos of the log{among if config.min_views > 1 else ''} were co-watched "
                f"by --rule={config.rule}: is --time_unit right, and are there users with several "
                "watches?"
            )
        if not num_edges:
            if config.edge_weights == "events":
                most = f"more often than {largest} time"
            else:
                most = f"by more than {largest} user"
            raise ValueError(
                f"no edge is left after --min_count={config.min_count}: no two videos were "
                f"co-watched {most}{'s' if largest > 1 else ''}"
            )
        return num_edges

    def find_shown(self) -> None:
        """Makes the table `shown`: `a`, and `b` that was shown near it and not co-watched."""
        self._connection.execute(
            "CREATE TABLE shown AS SELECT a, b FROM (SELECT DISTINCT w.video AS a, i.video AS b "
            f"FROM ({self._slots(WATCH, (0,))}) w "
            f"JOIN ({self._slots(SHOWN, (-1, 0, 1))}) i USING (user, slot) "
            f"WHERE abs(w.time - i.time) <= {self._window} AND w.video <> i.video "
            "AND w.video >= 0 AND i.video >= 0) "
            "ANTI JOIN (SELECT a, b FROM pairs UNION ALL SELECT b, a FROM pairs) USING (a, b)"
        )

    def count(self, table: str) -> int:
        """The number of rows of a table."""
        [(number,)] = self._connection.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(number)

    def directed_edges(self) -> Iterator[list[np.ndarray]]:
        """Blocks of the edges in both directions, by rows: owners, neighbours and weights."""
        kept = f"FROM pairs WHERE weight >= {self._config.min_count}"
        return self._blocks(
            f"SELECT a, b, weight FROM (SELECT a, b, weight {kept} "
            f"UNION ALL SELECT b, a, weight {kept}) ORDER BY a, b"
        )

    def shown_pairs(self) -> Iterator[list[np.ndarray]]:
        """Blocks of the videos that were shown, by rows: owners and the others."""
        return self._blocks("SELECT a, b FROM shown ORDER BY a, b")

    def _session(self) -> str:
        """Each watch beside the one before it in its session."""
        gap = _microseconds(self._config.session_gap_minutes)
        return (
            "SELECT user, video, other FROM (SELECT user, video, time, "
            "lag(video) OVER by_time AS other, lag(time) OVER by_time AS other_time "
            f"FROM events WHERE kind = {WATCH} "
            "WINDOW by_time AS (PARTITION BY user ORDER BY time, place)) "
            f"WHERE time - other_time <= {gap}"
        )

    def _valid_watch(self) -> str:
        """Each watch beside those that began up to the window before it.

        These are in the same slot of time, as long as the window, or in the one before it. Of two
        that began at the same time, the one that is later in the log is beside the other.
        """
        return (
            "SELECT user, l.video AS video, e.video AS other "
            f"FROM ({self._slots(WATCH, (0,))}) l JOIN ({self._slots(WATCH, (0, 1))}) e "
            f"USING (user, slot) WHERE l.time - e.time BETWEEN 0 AND {self._window} "
            "AND (l.time > e.time OR l.place > e.place)"
        )

    def _slots(self, kind: int, shifts: tuple[int, ...]) -> str:
        """Events of a kind with the slot of time that each is in, once for each shift of it."""
        slots = ", ".join(f"time // {self._window} + {shift}" for shift in shifts)
        return (
            f"SELECT user, video, time, place, unnest([{slots}]) AS slot "
            f"FROM events WHERE kind = {kind}"
        )

    def _blocks(self, query: str) -> Iterator[list[np.ndarray]]:
        rows = self._connection.execute(query)
        while len(block := rows.fetch_df_chunk(_VECTORS)):
            yield [block[name].to_numpy() for name in block]


def _microseconds(minutes: float) -> int:
    return round(60 * MICROSECONDS * minutes)
