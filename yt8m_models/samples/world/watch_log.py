"""What the users of a synthetic world watch."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from yt8m_models.samples.world.config import WorldConfig
from yt8m_models.samples.world.videos import Videos

_FAVOURITE_TOPICS = 3
_PICKINESS = 6.0
_FIRST_SECOND = 1_500_000_000
_SESSION_SPACING = 86_400
_SESSION_LENGTH = 3 * 3_600
_ABANDONED = 0.1
_USERS_AT_ONCE = 10_000


def watch_log(config: WorldConfig, videos: Videos) -> Iterator[pd.DataFrame]:
    """Yields the rows of the log, some thousand users at a time.

    A user has a taste, a point in the square of the videos' tastes, and three favourite topics. A
    session, one a day, is on one of them: videos of the topic that are there by then are shown, the
    popular ones more often, and the user watches those with the highest
    `-pickiness · |taste - taste of the video|²` plus Gumbel noise, one after the other in a random
    order. The others are impressions, shown when the session begins. One watch in ten is abandoned
    within half a minute, the others take one to five minutes.

    The columns are `user_id`, `video_id` (text), `timestamp` (seconds since 1970),
    `watched_seconds` and `impression` (1 for a video that was shown and not watched, 0 for a
    watch). Users come in order, and the rows of each by time.
    """
    shelf = _Shelf(config, videos)
    for start in range(0, config.num_users, _USERS_AT_ONCE):
        rng = np.random.default_rng([config.seed, 2, start])
        users = np.arange(start, min(start + _USERS_AT_ONCE, config.num_users))
        yield _rows(config, videos, shelf, users, rng)


class _Shelf:
    """The videos of each topic, and a draw from them by popularity."""

    def __init__(self, config: WorldConfig, videos: Videos) -> None:
        self.videos = np.argsort(videos.topics, kind="stable")
        counts = np.bincount(videos.topics, minlength=config.num_topics)
        ends = np.cumsum(counts)
        cumulative = np.concatenate([[0.0], np.cumsum(videos.popularity[self.videos])])
        self._cumulative = cumulative[1:]
        self._low, self._high = cumulative[ends - counts], cumulative[ends]
        self._last = ends - 1

    def draw(self, rng: np.random.Generator, topics: np.ndarray, count: int) -> np.ndarray:
        """Videos of each topic, with replacement: int64 `(len(topics), count)`."""
        low, high = self._low[topics, None], self._high[topics, None]
        points = low + (high - low) * rng.random((len(topics), count))
        places = np.searchsorted(self._cumulative, points, side="right")
        return self.videos[np.minimum(places, self._last[topics, None])]


def _rows(
    config: WorldConfig, videos: Videos, shelf: _Shelf, users: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    per_user, shown = config.sessions_per_user, config.shown_per_session
    tastes = np.repeat(rng.uniform(-1, 1, (len(users), 2)), per_user, axis=0)
    favourites = rng.integers(config.num_topics, size=(len(users), _FAVOURITE_TOPICS))
    chosen = rng.integers(_FAVOURITE_TOPICS, size=(len(users), per_user))
    topics = np.take_along_axis(favourites, chosen, axis=1).ravel()
    sessions = len(topics)

    row = np.arange(sessions)[:, None]
    drawn = np.sort(shelf.draw(rng, topics, shown), axis=1)
    days = np.tile(np.arange(per_user), len(users))
    left_out = videos.first_days[drawn] > days[:, None]
    left_out[:, 1:] |= drawn[:, 1:] == drawn[:, :-1]
    distance = ((videos.tastes[drawn] - tastes[:, None]) ** 2).sum(axis=2)
    liking = rng.gumbel(size=drawn.shape) - _PICKINESS * distance
    order = np.argsort(np.where(left_out, np.inf, -liking), axis=1)
    drawn, left_out = drawn[row, order], left_out[row, order]
    num_watched = rng.integers(2, max(2, shown // 2), size=(sessions, 1), endpoint=True)
    num_distinct = shown - left_out.sum(axis=1, keepdims=True)
    is_watched = np.arange(shown) < np.minimum(num_watched, num_distinct)

    # a random order of the watched: each begins when the one before it, and a pause, are over
    sequence = np.argsort(np.where(is_watched, rng.random(drawn.shape), 2.0), axis=1)
    drawn[:], left_out[:] = drawn[row, sequence], left_out[row, sequence]
    is_impression = ~is_watched
    seconds = rng.integers(60, 300, size=drawn.shape)
    abandoned = rng.random(drawn.shape) < _ABANDONED
    seconds = np.where(abandoned, rng.integers(3, 30, size=drawn.shape), seconds)
    seconds[is_impression] = 0
    pauses = rng.integers(2, 60, size=drawn.shape)
    begins = np.cumsum(seconds + pauses, axis=1) - seconds
    begins[is_impression] = 0
    starts = _FIRST_SECOND + days * _SESSION_SPACING
    starts += rng.integers(_SESSION_SPACING - _SESSION_LENGTH, size=sessions)
    rows = pd.DataFrame(
        {
            "user_id": np.repeat(users, per_user * shown),
            "video_id": drawn.ravel(),
            "timestamp": (starts[:, None] + begins).ravel(),
            "watched_seconds": seconds.ravel(),
            "impression": is_impression.ravel().astype(np.int8),
        }
    )[~left_out.ravel()]
    rows = rows.sort_values(["user_id", "timestamp", "impression"], kind="stable")
    rows["video_id"] = videos.ids.astype(str)[rows["video_id"]]
    rows["user_id"] = [f"u{user:06d}" for user in rows["user_id"]]
    return rows
