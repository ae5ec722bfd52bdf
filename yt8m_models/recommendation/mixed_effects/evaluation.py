"""AUC of GLMix on events: of all, per user, and of cold-start videos alone."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from eval.retrieval import auc
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import load_with_embeddings
from yt8m_models.recommendation.mixed_effects.known_events import read_known_events
from yt8m_models.recommendation.mixed_effects.user_batches import groups_of_like_size
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.storage.whole_file import write_text

_BLOCK_ELEMENTS = 1 << 22


@dataclass(frozen=True)
class Evaluation:
    """AUC on events; `None` where it is not defined, as one of the labels is missing.

    Attributes:
        num_events: events of videos that have an embedding.
        auc: over all events.
        fixed_auc: over all events, of the fixed effect alone.
        num_users: users with events of both labels.
        user_auc: mean over those users of the AUC of each.
        num_cold_events: events of videos without events in training.
        cold_auc: over those events.
        num_new_user_events: events of users without events in training.
        left_out: events that were left out, as a sentence; `None` where none were.
    """

    num_events: int
    auc: float
    fixed_auc: float
    num_users: int
    user_auc: float | None
    num_cold_events: int
    cold_auc: float | None
    num_new_user_events: int
    left_out: str | None

    def text(self) -> str:
        return (
            f"AUC {self.auc:.4f} of {self.num_events:,} events ({self.fixed_auc:.4f} by the fixed "
            f"effect alone), {_text(self.user_auc)} mean over {self.num_users:,} users, "
            f"{_text(self.cold_auc)} of {self.num_cold_events:,} events of cold-start videos; "
            f"{self.num_new_user_events:,} events of new users"
        )


def evaluate(config: GLMixConfig) -> Evaluation:
    """Measures the GLMix in `config.glmix_dir` on a log; writes `config.output` if given.

    Memory is that of 17 bytes an event and what it takes to sort them, as AUC goes by the order of
    all, and of the ids; the events are sorted on disk.

    Raises:
        ValueError: as of `load_with_embeddings` and `read_known_events`.
    """
    glmix, embeddings = load_with_embeddings(config)
    events, vectors, left_out = read_known_events(config, embeddings, glmix.size)
    labels = events.values[LABEL]
    user_rows = glmix.users.rows(events.users)
    counts = np.diff(events.offsets)
    logits, fixed = np.empty(len(events)), np.empty(len(events))
    for start, stop in events.blocks():
        of_users = np.repeat(user_rows[start:stop], counts[start:stop])
        first = int(events.offsets[start])
        for block in glmix.blocks(len(of_users)):
            own = slice(first + block.start, first + min(block.stop, len(of_users)))
            of_block = vectors[events.video_rows[own]]
            logits[own] = glmix.logits(of_users[block], of_block)
            fixed[own] = glmix.logits(np.full(len(of_block), UNKNOWN), of_block)
    is_cold = (glmix.trained_videos.rows(events.videos) == UNKNOWN)[events.video_rows]
    per_user = _auc_per_user(events, logits)
    counted = per_user[~np.isnan(per_user)]
    cold_auc = float(auc(labels[is_cold], logits[is_cold]))
    evaluation = Evaluation(
        num_events=len(events),
        auc=auc(labels, logits),
        fixed_auc=auc(labels, fixed),
        num_users=len(counted),
        user_auc=float(counted.mean()) if len(counted) else None,
        num_cold_events=int(is_cold.sum()),
        cold_auc=None if np.isnan(cold_auc) else cold_auc,
        num_new_user_events=int(counts[user_rows == UNKNOWN].sum()),
        left_out=left_out,
    )
    if config.output:
        write_text(config.output, json.dumps(asdict(evaluation), indent=1) + "\n")
    return evaluation


def _auc_per_user(events: UserEvents, logits: np.ndarray) -> np.ndarray:
    """`(users,)`, in no order; NaN where a user has events of one label only."""
    counts = np.diff(events.offsets)
    values = []
    for users in groups_of_like_size(counts, _BLOCK_ELEMENTS):
        places = np.arange(counts[users].max())
        valid = places < counts[users, None]
        rows = np.where(valid, events.offsets[users, None] + places, 0)
        values.append(auc(events.values[LABEL][rows], logits[rows], valid=valid))
    return np.concatenate(values)


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
