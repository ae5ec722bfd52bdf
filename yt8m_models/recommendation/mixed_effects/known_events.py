"""Events with a label, of videos that have an embedding."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.labelled_events import read_labelled_events
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.recommendation.user_ranges import UserRange, user_ranges
from yt8m_models.storage.artifact_dir import read_array, write_array
from yt8m_models.storage.spilled_array import SpilledArray

_BLOCK_VIDEOS = 1 << 12
_VECTORS = "vectors"


def read_known_events(
    config: GLMixConfig, embeddings: Embeddings | None, size: int
) -> tuple[UserEvents, np.ndarray, str | None]:
    """Reads all events of videos that have an embedding; all of them without embeddings.

    Their labels are those of `read_labelled_events`. Events and features are memory-mapped.

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
    events = read_labelled_events(config, config.min_watched_seconds, config.memory_limit)
    if embeddings is None:
        rows = np.arange(len(events.videos))
    else:
        rows = embeddings.ids.matched_rows(
            events.videos,
            f"the log {config.watch_log}",
            f"the embeddings in {config.embeddings_dir}",
        )
    is_known = rows != UNKNOWN
    known = events if is_known.all() else events.of_videos(is_known)
    labels = known.values[LABEL]
    if labels.min() == labels.max():
        raise ValueError(
            f"there must be events of both labels in {config.watch_log}; all {len(labels):,} of "
            f"known videos have the label {labels[0]:.0f}"
        )
    left_out = None
    if not is_known.all():
        example = events.videos[int(is_known.argmin())].decode()
        left_out = (
            f"left out {len(events) - len(known):,} of {len(events):,} events: their "
            f"{np.sum(~is_known):,} videos have no embedding, e.g. {example!r}"
        )
    if embeddings is None or not size:
        return known, np.zeros((len(known.videos), 0), np.float32), left_out
    vectors, rows = SpilledArray(np.float32, size), rows[is_known]
    for start in range(0, len(rows), _BLOCK_VIDEOS):
        vectors.append(embeddings.take(rows[start : start + _BLOCK_VIDEOS]))
    return known, vectors.mapped(), left_out


@contextlib.contextmanager
def known_event_ranges(
    spark: Any, events: UserEvents, vectors: np.ndarray, output: str
) -> Iterator[tuple[str, list[UserRange]]]:
    """As of `user_ranges`, with the features of the videos in the directory too."""
    with user_ranges(spark, events, output) as (directory, ranges):
        write_array(directory, _VECTORS, vectors)
        yield directory, ranges


def open_known_events(directory: str, size: int) -> tuple[UserEvents, np.ndarray]:
    """The events and the features in a directory of `known_event_ranges`, memory-mapped."""
    events = UserEvents.open(directory)
    return events, read_array(directory, _VECTORS, np.float32, (len(events.videos), size))
