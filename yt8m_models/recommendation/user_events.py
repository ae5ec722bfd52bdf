"""Events grouped by user."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from yt8m_models.data.ragged import offsets_of
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.graph.watch_log import USER, VIDEO, read_events
from yt8m_models.graph.watch_log_options import WatchLogOptions


class UserEvents:
    """All events of a log, one user's after the other's.

    Args:
        users: ids of the users.
        videos: ids of the videos.
        user_rows: the user of each event, `(n,)` rows of `users`.
        video_rows: the video of each event, `(n,)` rows of `videos`.
        values: further columns by name, each `(n,)`.

    Attributes:
        users, videos: as above.
        offsets: the events of user u are those from `offsets[u]` to `offsets[u + 1]`; int64
            `(users + 1,)`.
        video_rows: as above, in the new order: by user, and as given within each; int32.
        values: as above, in the new order.
    """

    def __init__(
        self,
        users: VideoIds,
        videos: VideoIds,
        user_rows: np.ndarray,
        video_rows: np.ndarray,
        values: dict[str, np.ndarray],
    ) -> None:
        self.users = users
        self.videos = videos
        order = np.argsort(user_rows, kind="stable")
        self.offsets = offsets_of(np.bincount(user_rows, minlength=len(users)))
        self.video_rows = np.asarray(video_rows, np.int32)[order]
        self.values = {name: np.asarray(value)[order] for name, value in values.items()}

    @classmethod
    def read(
        cls,
        log: WatchLogOptions,
        required: Sequence[str] = (),
        optional: Sequence[str] = (),
        only_users: Collection[str] = (),
    ) -> "UserEvents":
        """Reads a log; users and videos are in the order of the first event.

        Memory is that of 12 bytes an event and 8 for each further column, and of the distinct ids.

        Args:
            log, required, optional: as of `read_events`.
            only_users: events of other users are left out, where any are given.

        Raises:
            ValueError: as of `read_events`.
        """
        users: dict[str, int] = {}
        videos: dict[str, int] = {}
        user_rows, video_rows = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        values: dict[str, list[np.ndarray]] = {}
        for events in read_events(log, required, optional):
            if only_users:
                events = events[events[USER].isin(list(only_users))]
            user_rows.append(_numbered(events.pop(USER), users))
            video_rows.append(_numbered(events.pop(VIDEO), videos))
            for name in events:
                values.setdefault(name, []).append(events[name].to_numpy())
        return cls(
            VideoIds(users),
            VideoIds(videos),
            np.concatenate(user_rows),
            np.concatenate(video_rows),
            {name: np.concatenate(parts) for name, parts in values.items()},
        )

    @property
    def user_rows(self) -> np.ndarray:
        """The user of each event, int64 `(n,)`, rising."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.offsets))

    def __len__(self) -> int:
        """The number of events."""
        return len(self.video_rows)


def _numbered(column: pd.Series, numbers: dict[str, int]) -> np.ndarray:
    """The number of each text, int32 `(n,)`; new ones go on counting in `numbers`."""
    places, values = pd.factorize(column)
    of_values = [numbers.setdefault(value, len(numbers)) for value in values]
    return np.array(of_values, np.int32)[places]
