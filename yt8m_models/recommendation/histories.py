"""What each user watched, and which of it counts."""

import os
from dataclasses import dataclass

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, VideoIds, nothing_in_common
from yt8m_models.graph.watch_log import IMPRESSION, RATING, TIME, WATCHED
from yt8m_models.recommendation.history import kept_ratings, users_without
from yt8m_models.recommendation.history_options import HistoryOptions
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.storage.artifact_dir import read_array

_ARRAYS = ("offsets", "rows", "watched_offsets", "watched_rows")


@dataclass(frozen=True)
class Histories:
    """The histories of users, each video once, the one watched last at the end.

    Attributes:
        users: ids of the users that have a history.
        offsets: the history of user u is that from `offsets[u]` to `offsets[u + 1]`.
        rows: of the history's videos in the table that has their vectors.
        watched_offsets: likewise of what a user watched.
        watched_rows: in the index, of all that a user watched, in the history or not.
        without_filter: users of whose history the filters left nothing: it is all that they
            watched.
        new_users: ids of users that watched no known video, and have no history.
        num_unknown_events: events of videos that have no vector.
        num_unknown_videos: such videos.
        unknown_video: one of them.
    """

    users: VideoIds
    offsets: np.ndarray
    rows: np.ndarray
    watched_offsets: np.ndarray
    watched_rows: np.ndarray
    without_filter: int = 0
    new_users: tuple[str, ...] = ()
    num_unknown_events: int = 0
    num_unknown_videos: int = 0
    unknown_video: str | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """What `load` reads, by the names of the files: all but what the reading left out."""
        return {**self.users.arrays("users"), **{name: getattr(self, name) for name in _ARRAYS}}

    @classmethod
    def load(
        cls, directory: str | os.PathLike[str], num_users: int, num_videos: int, num_watched: int
    ) -> "Histories":
        """Those in the arrays of a directory, memory-mapped.

        Raises:
            ValueError: an array is missing or damaged.
        """
        users = VideoIds.load(directory, num_users, "users")
        sizes = (num_users + 1, num_videos, num_users + 1, num_watched)
        offsets, rows, watched_offsets, watched_rows = (
            read_array(directory, name, np.integer, (size,))
            for name, size in zip(_ARRAYS, sizes, strict=True)
        )
        for name, ends, length in (
            ("offsets", offsets, num_videos),
            ("watched_offsets", watched_offsets, num_watched),
        ):
            if ends[0] != 0 or ends[-1] != length or (np.diff(ends) < 0).any():
                raise ValueError(f"{name} must rise from 0 to {length}")
        return cls(users, offsets, rows, watched_offsets, watched_rows)


def read_histories(
    config: HistoryOptions, known: VideoIds, index_ids: VideoIds, where: str
) -> Histories:
    """Reads and filters histories.

    Of several events of a user with a video the last counts, by time if all files have it and by
    order in the files if not. Impressions are not watches.

    Args:
        config: the log, users and filters.
        known: the videos that have vectors.
        index_ids: the videos of the index.
        where: what has the vectors, such as `the index in DIR`.

    Raises:
        ValueError: as of `read_events`; a filter needs ratings and a file has none; nobody watched
            anything; or of all users in the log none watched a known video.
    """
    needed = (WATCHED,) if config.min_watched_seconds else ()
    events = UserEvents.read(config, needed, (RATING, TIME, IMPRESSION), config.users)
    if (config.min_stars is not None or config.above_mean) and RATING not in events.values:
        flag = "--above_mean" if config.min_stars is None else "--min_stars"
        raise ValueError(
            f"{flag} needs a column {config.rating_column} in all files of {config.watch_log}"
        )
    last = _last_watches(events)
    if not len(last):
        of_users = f" of the users {', '.join(config.users)}" if config.users else ""
        raise ValueError(f"there are no watched videos{of_users} in {config.watch_log}")
    users, videos = events.user_rows[last], events.video_rows[last]
    rows = known.rows(events.videos)
    is_known = (rows != UNKNOWN)[videos]
    if not is_known.any() and not config.users:
        watched = events.videos[videos]
        raise ValueError(nothing_in_common(f"the log {config.watch_log}", watched, where, known))
    counts = is_known
    if RATING in events.values:
        ratings = events.values[RATING][last]
        counts = is_known & kept_ratings(users, ratings, config.min_stars, config.above_mean)
    if config.min_watched_seconds:
        counts = counts & _are_valid(events, config.min_watched_seconds)[last]
    without = np.setdiff1d(users_without(users, counts), users_without(users, is_known))
    counts |= is_known & np.isin(users, without)
    counts = _last_of_each(users, counts, config.last_videos)

    answered = np.unique(users[is_known])
    index_rows = index_ids.rows(events.videos)[videos]
    is_watched = (index_rows != UNKNOWN) & np.isin(users, answered)
    unknown = np.flatnonzero((rows == UNKNOWN) & (np.bincount(videos, minlength=len(rows)) > 0))
    new = np.delete(events.users.to_array(), answered).tolist()
    new += [user.encode() for user in config.users if events.users.rows([user])[0] == UNKNOWN]
    return Histories(
        VideoIds(events.users[answered]),
        _offsets(users[counts], answered),
        rows[videos[counts]],
        _offsets(users[is_watched], answered),
        index_rows[is_watched],
        len(without),
        tuple(user.decode() for user in new),
        int(np.sum(~is_known)),
        len(unknown),
        events.videos[unknown[0]].decode() if len(unknown) else None,
    )


def _last_watches(events: UserEvents) -> np.ndarray:
    """Places of each user's last event with each video, by user and then by time."""
    users = events.user_rows
    order = np.arange(len(events))
    if TIME in events.values:
        order = np.lexsort((events.values[TIME], users))
    if IMPRESSION in events.values:
        order = order[events.values[IMPRESSION][order] == 0]
    pairs = users[order] * len(events.videos) + events.video_rows[order]
    _, from_end = np.unique(pairs[::-1], return_index=True)
    return order[np.sort(len(order) - 1 - from_end)]


def _are_valid(events: UserEvents, min_watched_seconds: float) -> np.ndarray:
    """Of each event, whether its user watched its video for longer, in this event or another."""
    pairs = events.user_rows * len(events.videos) + events.video_rows
    is_long = events.values[WATCHED] > min_watched_seconds
    if IMPRESSION in events.values:
        is_long &= events.values[IMPRESSION] == 0
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
