"""Which videos were watched together, by queries that every engine runs."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.watch_log import IMPRESSION, MICROSECONDS, TIME, USER, VIDEO, WATCHED
from yt8m_models.program.progress import Progress

WATCH, SHORT_WATCH, SHOWN = 0, 1, 2


class LeftOut(NamedTuple):
    """What a limit leaves out.

    Attributes:
        owners: users, or watches, that have more than the limit.
        number: events, or pairs, beyond it.
    """

    owners: int
    number: int


class CoWatches(ABC):
    """A log as tables of an engine, and which of its videos were watched together.

    The text of the queries is the same on every engine, and so are the rows that they give.

    Args:
        config: what counts as watched, and as watched together.

    Attributes:
        num_files: files of the log.
        num_users: users in the log, once the events are numbered.
    """

    num_files: int
    num_users: int

    def __init__(self, config: BuildGraphConfig) -> None:
        self._config = config
        self._window = _microseconds(config.window_minutes)

    @abstractmethod
    def read(self, bar: Progress) -> int:
        """Makes the table `log`: `user_id`, `video_id`, `time` in microseconds, and `kind`.

        `kind` is `WATCH`, `SHORT_WATCH` (no longer than `min_watched_seconds`) or `SHOWN`.

        Returns:
            The number of rows.

        Raises:
            ValueError: as of `WatchLog.blocks`; or there is no row in any file.
        """

    def number_events(self) -> VideoIds:
        """Replaces the table `log` by `videos`, with ids and their rows, and `events`, with rows.

        The `place` of an event is that of its row in the log. Videos with fewer than `min_views`
        watches have negative rows: they are no part of pairs, and their events still are of
        sessions.

        Returns:
            The ids of the videos by row.

        Raises:
            ValueError: no video has as many watches.
        """
        if (min_views := self._config.min_views) > 1:
            watches = f"count(*) FILTER (WHERE kind = {WATCH})"
            counts = f"SELECT video_id, {watches} >= {min_views} AS is_kept, {watches} AS views"
        else:
            counts = "SELECT video_id, true AS is_kept, 0 AS views"
        number = "row_number() OVER (PARTITION BY is_kept ORDER BY video_id)"
        self._create(
            "videos",
            f"SELECT video_id, views, CAST(CASE WHEN is_kept THEN {number} - 1 ELSE -{number} END "
            f"AS INTEGER) AS video FROM ({counts} FROM log GROUP BY video_id)",
        )
        self._make_events()
        self._drop("log")
        if not self.count("videos WHERE video >= 0"):
            [(most,)] = self._rows("SELECT max(views) FROM videos")
            raise ValueError(
                f"--min_views={min_views} leaves no video: the most watches that one has are {most}"
            )
        blocks = self._blocks("SELECT video_id FROM videos WHERE video >= 0 ORDER BY video")
        return VideoIds(PackedIds.pack(as_bytes(texts) for (texts,) in blocks))

    def count_kinds(self) -> dict[int, int]:
        """How many events there are of each kind that there is."""
        return dict(self._rows("SELECT kind, count(*) FROM events GROUP BY kind"))

    def limit_events(self) -> LeftOut:
        """Leaves each user the latest `max_events_per_user` of the events, in order of the log."""
        most = self._config.max_events_per_user
        [(users, number)] = self._rows(
            f"SELECT count(*), coalesce(sum(number - {most}), 0) FROM "
            f"(SELECT count(*) AS number FROM events GROUP BY user HAVING count(*) > {most})"
        )
        if users:
            latest = "row_number() OVER (PARTITION BY user ORDER BY time DESC, place DESC)"
            self._create(
                "latest_events",
                "SELECT user, video, time, kind, place FROM "
                f"(SELECT *, {latest} AS latest FROM events) WHERE latest <= {most}",
            )
            self._replace("events", "latest_events")
        return LeftOut(int(users), int(number))

    def limit_pairs(self) -> LeftOut:
        """How many pairs `max_pairs_per_window` leaves out; also makes the table `watches`.

        That has the watches of the videos that are kept, and their `number` in the order of time.
        """
        most = self._config.max_pairs_per_window
        self._create(
            "watches",
            "SELECT user, video, time, place, "
            "row_number() OVER (PARTITION BY user ORDER BY time, place) AS number "
            f"FROM events WHERE kind = {WATCH} AND video >= 0",
        )
        [(watches, number)] = self._rows(
            f"SELECT count(*), coalesce(sum(earlier - {most}), 0) FROM (SELECT number - "
            "min(number) OVER (PARTITION BY user ORDER BY time "
            f"RANGE BETWEEN {self._window} PRECEDING AND CURRENT ROW) AS earlier FROM watches) "
            f"WHERE earlier > {most}"
        )
        return LeftOut(int(watches), int(number))

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
        self._make_pairs(
            "SELECT user, least(video, other) AS a, greatest(video, other) AS b "
            f"FROM ({co_watches}) WHERE video <> other AND video >= 0 AND other >= 0"
        )
        [(num_edges, largest)] = self._rows(
            f"SELECT count(*) FILTER (WHERE weight >= {config.min_count}), "
            "coalesce(max(weight), 0) FROM pairs"
        )
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
        return int(num_edges)

    def find_shown(self) -> None:
        """Makes the table `shown`: `a`, and `b` that was shown near it and not co-watched."""
        self._create(
            "shown",
            "SELECT a, b FROM (SELECT DISTINCT w.video AS a, i.video AS b "
            f"FROM ({self._slots(_of(WATCH), (0,))}) w "
            f"JOIN ({self._slots(_of(SHOWN), (-1, 0, 1))}) i USING (user, slot) "
            f"WHERE abs(w.time - i.time) <= {self._window} AND w.video <> i.video "
            "AND w.video >= 0 AND i.video >= 0) "
            "ANTI JOIN (SELECT a, b FROM pairs UNION ALL SELECT b, a FROM pairs) USING (a, b)",
        )

    def count(self, table: str) -> int:
        """The number of rows of a table."""
        [(number,)] = self._rows(f"SELECT count(*) FROM {table}")
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

    def _make_pairs(self, co_watches: str) -> None:
        """Makes the table `pairs` of a query's rows `user`, `a` and `b`."""
        self._create("pairs", self._weights(f"({co_watches})"))

    def _weights(self, co_watches: str) -> str:
        """The pairs of a table, or of a part of it, with the weights of their edges."""
        distinct = "DISTINCT" if self._config.edge_weights == "users" else ""
        return (
            "SELECT a, b, CAST(count(*) AS INTEGER) AS weight "
            f"FROM (SELECT {distinct} user, a, b FROM {co_watches}) GROUP BY a, b"
        )

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
        that began at the same time, the one that is later in the log is beside the other. With
        `max_pairs_per_window` those beside a watch are the last ones before it.
        """
        watches, is_earlier = _of(WATCH), "(l.time > e.time OR l.place > e.place)"
        if most := self._config.max_pairs_per_window:
            watches, is_earlier = "watches", f"l.number - e.number BETWEEN 1 AND {most}"
        return (
            "SELECT user, l.video AS video, e.video AS other "
            f"FROM ({self._slots(watches, (0,))}) l JOIN ({self._slots(watches, (0, 1))}) e "
            f"USING (user, slot) WHERE l.time - e.time BETWEEN 0 AND {self._window} "
            f"AND {is_earlier}"
        )

    def _slots(self, events: str, shifts: tuple[int, ...]) -> str:
        """Events with the slot of time that each is in, by its start, once for each shift of it."""
        starts = ", ".join(f"({shift * self._window})" for shift in shifts)
        return (
            f"SELECT *, time - time % {self._window} + shift AS slot "
            f"FROM {events} CROSS JOIN (VALUES {starts}) AS shifts (shift)"
        )

    @abstractmethod
    def _make_events(self) -> None:
        """Makes the table `events` of `log` and `videos`, and counts the users."""

    @abstractmethod
    def _create(self, name: str, query: str) -> None:
        """Makes a table of what a query gives."""

    @abstractmethod
    def _replace(self, name: str, other: str) -> None:
        """Gives the name of a table to another."""

    @abstractmethod
    def _drop(self, name: str) -> None:
        """Removes a table."""

    @abstractmethod
    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """The few rows of what a query gives."""

    @abstractmethod
    def _blocks(self, query: str) -> Iterator[list[np.ndarray]]:
        """The many rows of what a query gives, in their order: blocks of columns."""


def logged_values(config: BuildGraphConfig) -> str:
    """The expressions of a row of the log: `user_id`, `video_id`, `time` and `kind`."""
    kind = f"CASE WHEN {IMPRESSION} = 1 THEN {SHOWN} "
    if shortest := config.min_watched_seconds:
        kind += f"WHEN {WATCHED} <= {shortest} THEN {SHORT_WATCH} "
    return (
        f"{USER} AS user_id, {VIDEO} AS video_id, {TIME}, "
        f"CAST({kind} ELSE {WATCH} END AS TINYINT) AS kind"
    )


def columns_needed(config: BuildGraphConfig) -> list[str]:
    """The columns of `WatchLog` that all files must have."""
    return [TIME, WATCHED] if config.min_watched_seconds else [TIME]


def no_rows(paths: str) -> ValueError:
    """What is wrong with a log that is empty."""
    return ValueError(f"the watch log is empty: there are no rows in {paths}")


def _of(kind: int) -> str:
    """The events of a kind."""
    return f"(SELECT user, video, time, place FROM events WHERE kind = {kind})"


def _microseconds(minutes: float) -> int:
    return round(60 * MICROSECONDS * minutes)
