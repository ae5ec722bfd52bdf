"""Events with a label, of videos that have an embedding."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import IMPRESSION, LABEL
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation.user_events import UserEvents


@dataclass(frozen=True)
class KnownEvents:
    """Events by user, with what a model of them needs.

    Attributes:
        users: ids of the users that have such events.
        videos: ids of the distinct videos.
        vectors: embeddings of `videos`, float32 `(m, d)`.
        offsets: the events of user u are those from `offsets[u]` to `offsets[u + 1]`.
        video_rows: the video of each event, `(n,)` rows of `videos`.
        labels: of each event, 0 or 1, float64 `(n,)`; there are both.
        left_out: events of other videos, as a sentence; `None` where there are none.
    """

    users: VideoIds
    videos: VideoIds
    vectors: np.ndarray
    offsets: np.ndarray
    video_rows: np.ndarray
    labels: np.ndarray
    left_out: str | None

    @property
    def user_rows(self) -> np.ndarray:
        """The user of each event, `(n,)` rows of `users`, rising."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.offsets))


def read_known_events(log: WatchLogOptions, embeddings: Embeddings) -> KnownEvents:
    """Reads all events of videos that have an embedding.

    The label is the column `label`; or, where the files have none, 0 for an `impression` and 1 for
    all others, as in watch logs.

    Args:
        log: the events.
        embeddings: of the videos.

    Raises:
        ValueError: as of `read_events`; there are no events, none is of a video that has an
            embedding, or all labels are the same.
    """
    events = UserEvents.read(log, optional=(LABEL, IMPRESSION))
    if not len(events):
        raise ValueError(f"there are no events in {log.watch_log}")
    if not events.values:
        raise ValueError(
            f"the files of {log.watch_log} must all have a column {log.label_column}, or all "
            f"{log.impression_column}"
        )
    labels = events.values[LABEL] if LABEL in events.values else 1 - events.values[IMPRESSION]
    rows = embeddings.ids.rows(events.videos.ids)
    is_known = rows != UNKNOWN
    if not is_known.any():
        raise ValueError(
            f"none of the {len(rows):,} videos in {log.watch_log} has an embedding, e.g. "
            f"{events.videos[0].decode()!r}"
        )
    kept = is_known[events.video_rows]
    user_rows = events.user_rows[kept]
    users, offsets = np.unique(user_rows, return_index=True)
    videos = VideoIds(events.videos[is_known])
    labels = labels[kept]
    if labels.min() == labels.max():
        raise ValueError(
            f"there must be events of both labels in {log.watch_log}; all {len(labels):,} of known "
            f"videos have the label {labels[0]:.0f}"
        )
    return KnownEvents(
        VideoIds(events.users[users]),
        videos,
        embeddings.take(rows[is_known]),
        np.append(offsets, len(user_rows)),
        (np.cumsum(is_known) - 1)[events.video_rows[kept]].astype(np.int32),
        labels,
        _left_out(events, is_known, kept),
    )


def _left_out(events: UserEvents, is_known: np.ndarray, kept: np.ndarray) -> str | None:
    if is_known.all():
        return None
    example = events.videos[int(is_known.argmin())].decode()
    return (
        f"left out {np.sum(~kept):,} of {len(kept):,} events: their {np.sum(~is_known):,} videos "
        f"have no embedding, e.g. {example!r}"
    )
