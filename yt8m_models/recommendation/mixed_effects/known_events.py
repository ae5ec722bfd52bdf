"""Events with a label, of videos that have an embedding."""

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.labelled_events import read_labelled_events
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.user_events import UserEvents


def read_known_events(
    config: GLMixConfig, embeddings: Embeddings | None, size: int
) -> tuple[UserEvents, np.ndarray, str | None]:
    """Reads all events of videos that have an embedding; all of them without embeddings.

    Their labels are those of `read_labelled_events`.

    Args:
        config: the flags.
        embeddings: those of the videos that count.
        size: the width d of the features: of the embeddings, or 0 for none.

    Returns:
        The events, with 0 and 1 as values of `LABEL`; features of their videos, float32 `(m, d)`;
        and, as a sentence, which events were left out, `None` where none were.

    Raises:
        ValueError: as of `read_labelled_events`; no event is of a video that has an embedding, or
            all labels are the same.
    """
    events = read_labelled_events(config, config.min_watched_seconds)
    if embeddings is None:
        rows = np.arange(len(events.videos))
    else:
        rows = embeddings.ids.matched_rows(
            events.videos,
            f"the log {config.watch_log}",
            f"the embeddings in {config.embeddings_dir}",
        )
    is_known = rows != UNKNOWN
    kept = is_known[events.video_rows]
    labels = events.values[LABEL][kept]
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
    if embeddings is None or not size:
        return known, np.zeros((len(known.videos), 0), np.float32), left_out
    return known, embeddings.take(rows[is_known]), left_out
