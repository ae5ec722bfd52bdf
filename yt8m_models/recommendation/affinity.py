"""How similar videos are to what users watched before."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.data.ragged import offsets_of
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.history import max_scores, mean_vectors
from yt8m_models.recommendation.user_events import UserEvents


@dataclass(frozen=True)
class Affinity:
    """Scores of pairs of a user and a video, and whether the user watched it.

    Attributes:
        labels: 0 or 1, `(n,)`.
        mean: the mean similarity to the videos of the user's history, `(n,)`.
        max: the largest one, `(n,)`.
        num_unscored: pairs that are left out: their video has no embedding, or their user no
            history.
    """

    labels: np.ndarray
    mean: np.ndarray
    max: np.ndarray
    num_unscored: int


def affinity(history: UserEvents, pairs: UserEvents, embeddings: Embeddings) -> Affinity:
    """Scores pairs by the cosines of embeddings, as in DSGMM's equations 16 and 17.

    The history S_U of a user is every video that it has an event with whose label is 1, once.

    Args:
        history: events with labels, from before those of `pairs`.
        pairs: events with labels, to be scored.
        embeddings: of videos, of length one; others are no part of a history.
    """
    video_rows, offsets = _histories(history, embeddings)
    users = history.users.rows(pairs.users)
    candidates = embeddings.ids.rows(pairs.videos)[pairs.video_rows]
    labels, means, largest = ([np.zeros(0)] for _ in range(3))
    for number, user in enumerate(users):
        own = slice(pairs.offsets[number], pairs.offsets[number + 1])
        is_known = candidates[own] != UNKNOWN
        if user == UNKNOWN or offsets[user] == offsets[user + 1] or not is_known.any():
            continue
        watched = embeddings.take(video_rows[offsets[user] : offsets[user + 1]])
        vectors = embeddings.take(candidates[own][is_known])
        labels.append(pairs.values[LABEL][own][is_known])
        means.append(vectors @ mean_vectors(watched, np.array([0, len(watched)]))[0])
        largest.append(max_scores(watched, vectors))
    scored = np.concatenate(labels)
    unscored = len(pairs) - len(scored)
    return Affinity(scored, np.concatenate(means), np.concatenate(largest), unscored)


def _histories(history: UserEvents, embeddings: Embeddings) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the embeddings of each user's history, and where each user's begin and end."""
    rows = embeddings.ids.rows(history.videos)[history.video_rows]
    counts = (history.values[LABEL] == 1) & (rows != UNKNOWN)
    pairs = np.unique(history.user_rows[counts] * len(embeddings.ids) + rows[counts])
    users, video_rows = np.divmod(pairs, len(embeddings.ids))
    return video_rows, offsets_of(np.bincount(users, minlength=len(history.users)))
