"""Which videos were watched together, as tables of the database."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from yt8m_models.data.video_ids import as_bytes
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.build_graph.log_files import IMPRESSION, MICROSECONDS, WATCH

_VECTORS = 512  # of 2,048 rows each, in a block of a result


def number_events(connection: Any) -> None:
    """Replaces the table `log` by `videos`, with ids and their rows, and `events`, with rows."""
    connection.execute(
        "CREATE TABLE videos AS SELECT video_id, "
        "(row_number() OVER (ORDER BY video_id) - 1)::INTEGER AS video "
        "FROM (SELECT DISTINCT video_id FROM log)"
    )
    connection.execute(
        "CREATE TABLE users AS SELECT user_id, (row_number() OVER () - 1)::INTEGER AS member "
        "FROM (SELECT DISTINCT user_id FROM log)"
    )
    connection.execute(
        "CREATE TABLE events AS SELECT member, video, time, kind "
        "FROM log JOIN videos USING (video_id) JOIN users USING (user_id)"
    )
    connection.execute("DROP TABLE log")


def count_pairs(connection: Any, config: BuildGraphConfig) -> None:
    """Makes the table `pairs`: two videos `a < b`, and `num_members` that co-watched them."""
    connection.execute(
        "CREATE TABLE pairs AS SELECT a, b, count(*)::INTEGER AS num_members "
        "FROM (SELECT DISTINCT member, least(video, other) AS a, greatest(video, other) AS b "
        f"FROM ({_CO_WATCHES[config.rule](config)}) WHERE video <> other) GROUP BY a, b"
    )


def find_shown(connection: Any, config: BuildGraphConfig) -> None:
    """Makes the table `shown`: a video `a`, and `b` that was shown near it and not co-watched."""
    window = _microseconds(config.window_minutes)
    connection.execute(
        "CREATE TABLE shown AS SELECT a, b FROM (SELECT DISTINCT w.video AS a, i.video AS b "
        f"FROM ({_slots(WATCH, window, (0,))}) w "
        f"JOIN ({_slots(IMPRESSION, window, (-1, 0, 1))}) i USING (member, slot) "
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
    kept = f"FROM pairs WHERE num_members >= {min_count}"
    return _blocks(
        connection,
        f"SELECT a, b, num_members FROM (SELECT a, b, num_members {kept} "
        f"UNION ALL SELECT b, a, num_members {kept}) ORDER BY a, b",
    )


def shown_pairs(connection: Any) -> Iterator[list[np.ndarray]]:
    """Blocks of the videos that were shown, by rows: owners and the others."""
    return _blocks(connection, "SELECT a, b FROM shown ORDER BY a, b")


def _session(config: BuildGraphConfig) -> str:
    """Each watch beside the one before it in its session."""
    return (
        "SELECT member, video, other FROM (SELECT member, video, time, "
        "lag(video) OVER by_time AS other, lag(time) OVER by_time AS other_time "
        f"FROM events WHERE kind = {WATCH} "
        "WINDOW by_time AS (PARTITION BY member ORDER BY time, video)) "
        f"WHERE time - other_time <= {_microseconds(config.session_gap_minutes)}"
    )


def _valid_watch(config: BuildGraphConfig) -> str:
    """Each watch beside those that began up to the window before it.

    These are in the same slot of time, as long as the window, or in the one before it.
    """
    window = _microseconds(config.window_minutes)
    return (
        "SELECT member, l.video AS video, e.video AS other "
        f"FROM ({_slots(WATCH, window, (0,))}) l JOIN ({_slots(WATCH, window, (0, 1))}) e "
        f"USING (member, slot) WHERE l.time - e.time BETWEEN 0 AND {window}"
    )


_CO_WATCHES = {"session": _session, "valid_watch": _valid_watch}


def _slots(kind: int, window: int, shifts: tuple[int, ...]) -> str:
    """Events of a kind with the slot of time that each is in, once for each shift of it."""
    slots = ", ".join(f"time // {window} + {shift}" for shift in shifts)
    return f"SELECT member, video, time, unnest([{slots}]) AS slot FROM events WHERE kind = {kind}"


def _microseconds(minutes: float) -> int:
    return round(60 * MICROSECONDS * minutes)


def _blocks(connection: Any, query: str) -> Iterator[list[np.ndarray]]:
    rows = connection.execute(query)
    while len(block := rows.fetch_df_chunk(_VECTORS)):
        yield [block[name].to_numpy() for name in block]
