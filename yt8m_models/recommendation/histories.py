"""What each user watched, and which of it counts."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, VideoIds, nothing_in_common
from yt8m_models.graph.watch_log import IMPRESSION, RATING, TIME, WATCHED
from yt8m_models.recommendation.history import kept_ratings, users_without
from yt8m_models.recommendation.history_options import HistoryOptions
from yt8m_models.recommendation.user_events import UserEvents


@dataclass(frozen=True)
class Histories:
    """The histories of users, each video once, the one watched last at the end.

    Attributes:
        users: rows of the users that have a history, rising.
        offsets: the history of the user at place u is that from `offsets[u]` to `offsets[u + 1]`.
        rows: of the history's videos in the table that has their vectors.
        watched_offsets: likewise of what a user watched.
        watched_rows: in the index, of all that a user watched, in the history or not.
        new_users: rows of the users that watched no known video, and have no history.
        without_filter: users of whose history the filters left nothing: it is all that they
            watched.
        num_unknown_events: events of videos that have no vector.
    """

    users: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray
    watched_offsets: np.ndarray
    watched_rows: np.ndarray
    new_users: np.ndarray
    without_filter: int
    num_unknown_events: int


class HistoryReader:
    """Reads and filters the histories of a log.

    Of several events of a user with a video the last counts, by time if all files have it and by
    order in the files if not. Impressions are not watches.

    Args:
        events: of the log, as of `read_log`.
        filters: which events count.
        known: the videos that have vectors.
        index_ids: the videos of the index.

    Attributes:
        events, filters: as above.
    """

    def __init__(
        self, events: UserEvents, filters: HistoryOptions, known: VideoIds, index_ids: VideoIds
    ) -> None:
        self.events = events
        self.filters = filters
        self._rows = known.rows(events.videos)
        self._index_rows = index_ids.rows(events.videos)

    def unknown_videos(self, known: VideoIds, where: str) -> tuple[int, str | None]:
        """How many videos that were watched have no vector, and one of them.

        Args:
            known: the videos that have vectors.
            where: what has the vectors, such as `the index in DIR`.

        Raises:
            ValueError: nobody watched anything; or of all users in the log none watched a known
                video.
        """
        events, filters = self.events, self.filters
        is_watched = np.zeros(len(events.videos), bool)
        for start, stop in events.blocks():
            own = slice(events.offsets[start], events.offsets[stop])
            is_watch = np.ones(own.stop - own.start, bool)
            if IMPRESSION in events.values:
                is_watch = events.values[IMPRESSION][own] == 0
            is_watched[events.video_rows[own][is_watch]] = True
        if not is_watched.any():
            of_users = f" of the users {', '.join(filters.users)}" if filters.users else ""
            raise ValueError(f"there are no watched videos{of_users} in {filters.watch_log}")
        unknown = np.flatnonzero(is_watched & (self._rows == UNKNOWN))
        if len(unknown) == np.count_nonzero(is_watched) and not filters.users:
            log = f"the log {filters.watch_log}"
            raise ValueError(nothing_in_common(log, events.videos[unknown[:1]], where, known))
        return len(unknown), events.videos[unknown[0]].decode() if len(unknown) else None

    def read(self, start: int, stop: int) -> Histories:
        """The histories of the users of rows `[start, stop)`."""
        events, filters = self.events, self.filters
        offsets = events.offsets[start : stop + 1]
        own = slice(offsets[0], offsets[-1])
        of_events = np.repeat(np.arange(stop - start), np.diff(offsets))
        values = {name: array[own] for name, array in events.values.items()}
        pairs = of_events * len(events.videos) + events.video_rows[own]
        last = _last_watches(of_events, pairs, values)
        users, videos = of_events[last], events.video_rows[own][last]
        is_known = (self._rows != UNKNOWN)[videos]
        counts = is_known
        if RATING in values:
            ratings = values[RATING][last]
            counts = is_known & kept_ratings(users, ratings, filters.min_stars, filters.above_mean)
        if filters.min_watched_seconds:
            counts = counts & _are_valid(pairs, values, filters.min_watched_seconds)[last]
        without = np.setdiff1d(users_without(users, counts), users_without(users, is_known))
        counts |= is_known & np.isin(users, without)
        counts = _last_of_each(users, counts, filters.last_videos)

        answered = np.unique(users[is_known])
        index_rows = self._index_rows[videos]
        is_watched = (index_rows != UNKNOWN) & np.isin(users, answered)
        return Histories(
            start + answered,
            _offsets(users[counts], answered),
            self._rows[videos[counts]],
            _offsets(users[is_watched], answered),
            index_rows[is_watched],
            start + np.delete(np.arange(stop - start), answered),
            len(without),
            int(np.sum(~is_known)),
        )


def read_log(config: HistoryOptions) -> UserEvents:
    """The events that histories are made of.

    Raises:
        ValueError: as of `UserEvents.read`; or a filter needs ratings and a file has none.
    """
    needed = (WATCHED,) if config.min_watched_seconds else ()
    optional = (RATING, TIME, IMPRESSION)
    events = UserEvents.read(config, needed, optional, config.users, config.memory_limit)
    if (config.min_stars is not None or config.above_mean) and RATING not in events.values:
        flag = "--above_mean" if config.min_stars is None else "--min_stars"
        raise ValueError(
            f"{flag} needs a column {config.rating_column} in all files of {config.watch_log}"
        )
    return events


def _last_watches(
    users: np.ndarray, pairs: np.ndarray, values: dict[str, np.ndarray]
) -> np.ndarray:
    """Places of each user's last event with each video, by user and then by time."""
    order = np.arange(len(users))
    if TIME in values:
        order = np.lexsort((values[TIME], users))
    if IMPRESSION in values:
        order = order[values[IMPRESSION][order] == 0]
    _, from_end = np.unique(pairs[order[::-1]], return_index=True)
    last: np.ndarray = order[np.sort(len(order) - 1 - from_end)]
    return last


def _are_valid(
    pairs: np.ndarray, values: dict[str, np.ndarray], min_watched_seconds: float
) -> np.ndarray:
    """Of each event, whether its user watched its video for longer, in this event or another."""
    is_long = values[WATCHED] > min_watched_seconds
    if IMPRESSION in values:
        is_long &= values[IMPRESSION] == 0
    return np.isin(pairs, pairs[is_long])


def _last_of_each(users: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    """The last events of each user among those that count; all if `most` is 0."""
    if not most:
        return counts
    places = np.flatnonzero(counts)
    ends = np.searchsorted(users[places], users[places], side="right")
    kept = np.zeros(len(counts), bool)
    kept[places[ends - np.arange(len(places)) <= most]] = True
    return kept


def _offsets(users: np.ndarray, answered: np.ndarray) -> np.ndarray:
    """Where the entries of each answered user start among `users`, and the end."""
    return np.append(np.searchsorted(users, answered), len(users))
