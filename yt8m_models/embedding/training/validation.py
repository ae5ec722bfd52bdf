"""Validation at each checkpoint, and the checkpoint that retrieves best."""

import logging
import math

import keras
import numpy as np
import tensorflow as tf

from eval.retrieval import ndcg
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.training.held_out import HeldOut
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Checkpoints, checkpoint_paths
from yt8m_models.training.history import History
from yt8m_models.training.scalars import ScalarWriter
from yt8m_models.training.train_dir import BEST, VALIDATION_HISTORY

_LOGGER = logging.getLogger(__name__)
_DEPTH = 10


class Validation:
    """Retrieves the held-out videos and keeps the best checkpoint in `train_dir/best`.

    The measure is the mean over queries of NDCG@10 by cosine similarity, each co-watched candidate
    counting alike. The best value is stored in the best checkpoint: the two change together.

    Args:
        train_dir: of the training.
        held_out: queries and candidates.
        feature_rows: the row in the features of each video of the graph.
        embedder: of the model in training.
        step: its step, as a variable.
        summaries: where the measure goes for TensorBoard, as `validation/ndcg`.

    Attributes:
        step: the step that was evaluated last; -1 before.
    """

    def __init__(
        self,
        train_dir: str,
        held_out: HeldOut,
        feature_rows: np.ndarray,
        embedder: Embedder,
        step: tf.Variable,
        summaries: ScalarWriter,
    ) -> None:
        self._held_out = held_out
        self._feature_rows = feature_rows
        self._embedder = embedder
        self._summaries = summaries
        directory = join(train_dir, BEST)
        self._best_ndcg = tf.Variable(_best_ndcg(directory), dtype=tf.float32)
        model: keras.Model = embedder.model
        self._best = Checkpoints(
            directory, keep=1, model=model, step=step, validation_ndcg=self._best_ndcg
        )
        self._history = History(
            join(train_dir, VALIDATION_HISTORY),
            ("step", "ndcg", "num_queries", "num_candidates"),
            resumed_step=int(step.numpy()),
        )
        self.step = int(self._history.rows[-1]["step"]) if self._history.rows else -1

    def evaluate(self, step: int) -> str:
        """Evaluates, records the measure, saves the best model; a line that says so."""
        queries, candidates, relevance = self._held_out
        rows = np.concatenate([queries, candidates])
        embeddings = self._embedder(self._feature_rows[rows])
        scores = embeddings[: len(queries)] @ embeddings[len(queries) :].T
        value = float(np.mean(ndcg(relevance, scores, _DEPTH)))
        self.step = step
        self._history.append(
            {
                "step": step,
                "ndcg": value,
                "num_queries": len(queries),
                "num_candidates": len(candidates),
            }
        )
        self._history.flush()
        self._summaries.write(step, {"validation/ndcg": value})
        self._summaries.flush()
        is_best = value > self.best_ndcg
        if is_best:
            self._best_ndcg.assign(value)
            self._best.save(step)
        return (
            f"validation at step {step:,}: NDCG@{_DEPTH} {value:.4f} of {len(queries):,} queries"
            f"{'  (the best)' if is_best else ''}"
        )

    @property
    def best_ndcg(self) -> float:
        """The highest NDCG so far; minus infinity before the first evaluation."""
        return float(self._best_ndcg.numpy())


def _best_ndcg(directory: str) -> float:
    """The NDCG of the best checkpoint of an earlier run; minus infinity without one."""
    for path in reversed(checkpoint_paths(directory)):
        try:
            reader = tf.train.load_checkpoint(path)
            return float(reader.get_tensor("validation_ndcg/.ATTRIBUTES/VARIABLE_VALUE"))
        except (tf.errors.OpError, LookupError, RuntimeError) as error:
            _LOGGER.warning("The best checkpoint %s cannot be read: %s", path, error)
    return -math.inf
