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


def read_log(connection: Any, log: WatchLog, min_watched_seconds: float, bar: Progress) -> int:
    """Makes the table `log`: `user_id`, `video_id`, `time` in microseconds, and `kind`.

    `kind` is `WATCH`, `SHORT_WATCH` (no longer than `min_watched_seconds`) or `SHOWN`.

    Returns:
        The number of rows.

    Raises:
        ValueError: as of `WatchLog.blocks`; or there is no row in any file.
    """
    connection.execute(
        "CREATE TABLE log (user_id VARCHAR, video_id VARCHAR, time BIGINT, kind TINYINT)"
    )
    kind = f"CASE WHEN {IMPRESSION} = 1 THEN {SHOWN} "
    if min_watched_seconds:
        kind += f"WHEN {WATCHED} <= {min_watched_seconds} THEN {SHORT_WATCH} "
    num_rows = 0
    values = f"{USER}, {VIDEO}, {TIME}, {kind} ELSE {WATCH} END"
    for inserted in log.blocks(values, into="INSERT INTO log"):
        num_rows += int(inserted.iloc[0, 0])
        bar.update(rows=num_rows)
    if not num_rows:
        raise ValueError(f"the watch log is empty: there are no rows in {', '.join(log.paths)}")
    return num_rows


def number_events(connection: Any) -> None:
    """Replaces the table `log` by `videos`, with ids and their rows, and `events`, with rows."""
    connection.execute(
        "CREATE TABLE videos AS SELECT video_id, "
        "(row_number() OVER (ORDER BY video_id) - 1)::INTEGER AS video "
        "FROM (SELECT DISTINCT video_id FROM log)"
    )
    connection.execute(
        "CREATE TABLE users AS SELECT user_id, (row_number() OVER () - 1)::INTEGER AS user "
        "FROM (SELECT DISTINCT user_id FROM log)"
    )
    connection.execute(
        "CREATE TABLE events AS SELECT user, video, time, kind "
        "FROM log JOIN videos USING (video_id) JOIN users USING (user_id)"
    )
    connection.execute("DROP TABLE log")


def count_same_times(connection: Any) -> int:
    """How often a user began two videos or more at the same time."""
    return count(
        connection,
        f"SELECT count(*) FROM (SELECT 1 FROM events WHERE kind = {WATCH} "
        "GROUP BY user, time HAVING min(video) < max(video))",
    )


def count_pairs(connection: Any, config: BuildGraphConfig) -> None:
    """Makes the table `pairs`: two videos `a < b`, and `num_users` that co-watched them."""
    connection.execute(
        "CREATE TABLE pairs AS SELECT a, b, count(*)::INTEGER AS num_users "
        "FROM (SELECT DISTINCT user, least(video, other) AS a, greatest(video, other) AS b "
        f"FROM ({_CO_WATCHES[config.rule](config)}) WHERE video <> other) GROUP BY a, b"
    )


def find_shown(connection: Any, config: BuildGraphConfig) -> None:
    """Makes the table `shown`: a video `a`, and `b` that was shown near it and not co-watched."""
    window = _microseconds(config.window_minutes)
    connection.execute(
        "CREATE TABLE shown AS SELECT a, b FROM (SELECT DISTINCT w.video AS a, i.video AS b "
        f"FROM ({_slots(WATCH, window, (0,))}) w "
        f"JOIN ({_slots(SHOWN, window, (-1, 0, 1))}) i USING (user, slot) "
        f"WHERE abs(w.time - i.time) <= {window} AND w.video <> i.video) "
        "ANTI JOIN (SELECT a, b FROM pairs UNION ALL SELECT b, a FROM pairs) USING (a, b)"
    )


def count(connection: Any, query: str) -> int:
    """The one number that a query gives."""
    [(number,)] = connection.execute(query).fetchall()
    return int(number)


def counts(connection: Any, query: str) -> dict[int, int]:
    """The numbers that a query of two columns gives, the second by the first."""
    return dict(connection.execute(query).fetchall())


def video_ids(connection: Any) -> np.ndarray:
    """The ids of the videos by row, bytes."""
    blocks = _blocks(connection, "SELECT video_id FROM videos ORDER BY video")
    return np.concatenate([as_bytes(texts) for (texts,) in blocks])


def directed_edges(connection: Any, min_count: int) -> Iterator[list[np.ndarray]]:
    """Blocks of the edges in both directions, by rows: owners, neighbours and weights."""
    kept = f"FROM pairs WHERE num_users >= {min_count}"
    return _blocks(
        connection,
        f"SELECT a, b, num_users FROM (SELECT a, b, num_users {kept} "
        f"UNION ALL SELECT b, a, num_users {kept}) ORDER BY a, b",
    )


def shown_pairs(connection: Any) -> Iterator[list[np.ndarray]]:
    """Blocks of the videos that were shown, by rows: owners and the others."""
    return _blocks(connection, "SELECT a, b FROM shown ORDER BY a, b")


def _session(config: BuildGraphConfig) -> str:
    """Each watch beside the one before it in its session."""
    return (
        "SELECT user, video, other FROM (SELECT user, video, time, "
        "lag(video) OVER by_time AS other, lag(time) OVER by_time AS other_time "
        f"FROM events WHERE kind = {WATCH} "
        "WINDOW by_time AS (PARTITION BY user ORDER BY time, video)) "
        f"WHERE time - other_time <= {_microseconds(config.session_gap_minutes)}"
    )


def _valid_watch(config: BuildGraphConfig) -> str:
    """Each watch beside those that began up to the window before it.

    These are in the same slot of time, as long as the window, or in the one before it.
    """
    window = _microseconds(config.window_minutes)
    return (
        "SELECT user, l.video AS video, e.video AS other "
        f"FROM ({_slots(WATCH, window, (0,))}) l JOIN ({_slots(WATCH, window, (0, 1))}) e "
        f"USING (user, slot) WHERE l.time - e.time BETWEEN 0 AND {window}"
    )


_CO_WATCHES = {"session": _session, "valid_watch": _valid_watch}


def _slots(kind: int, window: int, shifts: tuple[int, ...]) -> str:
    """Events of a kind with the slot of time that each is in, once for each shift of it."""
    slots = ", ".join(f"time // {window} + {shift}" for shift in shifts)
    return f"SELECT user, video, time, unnest([{slots}]) AS slot FROM events WHERE kind = {kind}"


def _microseconds(minutes: float) -> int:
    return round(60 * MICROSECONDS * minutes)


def _blocks(connection: Any, query: str) -> Iterator[list[np.ndarray]]:
    rows = connection.execute(query)
    while len(block := rows.fetch_df_chunk(_VECTORS)):
        yield [block[name].to_numpy() for name in block]
