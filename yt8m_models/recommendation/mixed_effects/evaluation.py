"""AUC of GLMix on events: of all, per user, and of cold-start videos alone."""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from eval.retrieval import auc
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import GLMix, load_with_embeddings
from yt8m_models.recommendation.mixed_effects.known_events import (
    known_event_ranges,
    open_known_events,
    read_known_events,
)
from yt8m_models.recommendation.mixed_effects.user_batches import groups_of_like_size
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.recommendation.user_ranges import UserRange
from yt8m_models.storage.artifact_dir import read_array, write_array
from yt8m_models.storage.whole_file import write_text

_BLOCK_ELEMENTS = 1 << 22
_USER_ROWS = "user_rows"


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


def evaluate(config: GLMixConfig, spark: Any = None) -> Evaluation:
    """Measures the GLMix in `config.glmix_dir` on a log; writes `config.output` if given.

    Memory is that of 17 bytes an event and what it takes to sort them, as AUC goes by the order of
    all, and of the ids; the events are sorted on disk.

    Args:
        config: the log, the model and the embeddings.
        spark: a `SparkSession` whose workers each find the logits of ranges of users, as of
            `EngineOptions.session`; `None` for this process.

    Raises:
        ValueError: as of `load_with_embeddings` and `read_known_events`.
        OSError: Spark cannot finish its work.
    """
    glmix, embeddings = load_with_embeddings(config)
    events, vectors, left_out = read_known_events(config, embeddings, glmix.size)
    labels = events.values[LABEL]
    user_rows = glmix.users.rows(events.users)
    if spark is None:
        logits, fixed = _logits(glmix, events, vectors, user_rows, 0, len(events.users))
    else:
        logits, fixed = _spread_logits(spark, config.glmix_dir, events, vectors, user_rows)
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
        num_new_user_events=int(np.diff(events.offsets)[user_rows == UNKNOWN].sum()),
        left_out=left_out,
    )
    if config.output:
        write_text(config.output, json.dumps(asdict(evaluation), indent=1) + "\n")
    return evaluation


def _logits(
    glmix: GLMix,
    events: UserEvents,
    vectors: np.ndarray,
    user_rows: np.ndarray,
    first_user: int,
    end: int,
) -> np.ndarray:
    """Those of the events of users `[first_user, end)`, and by the fixed effect alone, `(2, n)`.

    `user_rows` are the rows of all `events.users` among those of the model.
    """
    before = int(events.offsets[first_user])
    logits = np.empty((2, int(events.offsets[end]) - before))
    for start, stop in events.blocks(first_user, end):
        of_users = np.repeat(user_rows[start:stop], np.diff(events.offsets[start : stop + 1]))
        first = int(events.offsets[start])
        for block in glmix.blocks(len(of_users)):
            rows = of_users[block]
            own = slice(first + block.start, first + block.start + len(rows))
            of_block = vectors[events.video_rows[own]]
            both = glmix.logits(rows, of_block), glmix.logits(np.full_like(rows, UNKNOWN), of_block)
            logits[:, own.start - before : own.stop - before] = both
    return logits


def _spread_logits(
    spark: Any, glmix_dir: str, events: UserEvents, vectors: np.ndarray, user_rows: np.ndarray
) -> np.ndarray:
    """As of `_logits`, for all users, by the workers of a cluster."""
    with known_event_ranges(spark, events, vectors, glmix_dir) as (directory, ranges):
        write_array(directory, _USER_ROWS, user_rows)
        done = spread(spark, partial(_write_logits, absolute(glmix_dir), directory), ranges)
        parts = [
            read_array(directory, f"{part.number:05}", np.float64, shape)
            for part, shape in zip(ranges, done, strict=True)
        ]
        return np.concatenate(parts, axis=1)


def _write_logits(glmix_dir: str, directory: str, part: UserRange) -> tuple[int, ...]:
    """What a worker does with a range of users: a file of their logits, of this shape."""
    glmix, events, vectors = _opened(glmix_dir, directory)
    user_rows = read_array(directory, _USER_ROWS, np.integer, (len(events.users),))
    logits = _logits(glmix, events, vectors, user_rows, part.start, part.stop)
    write_array(directory, f"{part.number:05}", logits)
    return logits.shape


@lru_cache(maxsize=1)
def _opened(glmix_dir: str, directory: str) -> tuple[GLMix, UserEvents, np.ndarray]:
    glmix = GLMix.load(glmix_dir)
    return glmix, *open_known_events(directory, glmix.size)


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
