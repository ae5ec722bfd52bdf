"""Events with a label, of videos that have an embedding."""

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import IMPRESSION, LABEL
from yt8m_models.recommendation.glmix.config import GLMixConfig
from yt8m_models.recommendation.user_events import UserEvents


def read_known_events(
    config: GLMixConfig, embeddings: Embeddings
) -> tuple[UserEvents, np.ndarray, str | None]:
    """Reads all events of videos that have an embedding.

    The label is the column `label`; or, where the files have none, 0 for an `impression` and 1 for
    all others, as in watch logs.

    Returns:
        The events, with 0 and 1 as values of `LABEL`; embeddings of their videos, float32
        `(m, d)`; and, as a sentence, which events were left out, `None` where none were.

    Raises:
        ValueError: as of `read_events`; there are no events, none is of a video that has an
            embedding, or all labels are the same.
    """
    events = UserEvents.read(config, optional=(LABEL, IMPRESSION))
    if not len(events):
        raise ValueError(f"there are no events in {config.watch_log}")
    if not events.values:
        raise ValueError(
            f"the files of {config.watch_log} must all have a column {config.label_column}, or all "
            f"{config.impression_column}"
        )
    labels = events.values[LABEL] if LABEL in events.values else 1 - events.values[IMPRESSION]
    rows = embeddings.ids.matched_rows(
        events.videos.ids,
        f"the log {config.watch_log}",
        f"the embeddings in {config.embeddings_dir}",
    )
    is_known = rows != UNKNOWN
    kept = is_known[events.video_rows]
    labels = labels[kept]
    if labels.min() == labels.max():
        raise ValueError(
            f"there must be events of both labels in {config.watch_log}; all {len(labels):,} of "
            f"known videos have the label {labels[0]:.0f}"
        )
    left_out = None
    if not is_known.all():
        example = events.videos[int(is_known.argmin())].decode()
        left_out = (
            f"left out {np.sum(~kept):,} of {len(kept):,} events: their {np.sum(~is_known):,} "
            f"videos have no embedding, e.g. {example!r}"
        )
    users, user_rows = np.unique(events.user_rows[kept], return_inverse=True)
    known = UserEvents(
        VideoIds(events.users[users]),
        VideoIds(events.videos[is_known]),
        user_rows,
        (np.cumsum(is_known) - 1)[events.video_rows[kept]],
        {LABEL: labels},
    )
    return known, embeddings.take(rows[is_known]), left_out
