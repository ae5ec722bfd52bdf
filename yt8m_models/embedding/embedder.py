"""Embedding of videos of a table of features."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yt8m_models.features.table import Table
from yt8m_models.program.background import prefetched


class Embedder:
    """Embeds videos by their rows in a table; features are read while others are embedded.

    Args:
        model: an embedding model.
        table: the features, those that the model takes.
        batch_size: videos in a batch.
    """

    def __init__(self, model: keras.Model, table: Table, batch_size: int = 1024) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; received {batch_size}")
        self.model = model
        self.table = table
        self.batch_size = batch_size
        self._forward: Any = None

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The embeddings of rows `(n,)` of the table, float32 `(n, embedding_size)`."""
        empty = np.zeros((0, self.model.config.embedding_size), np.float32)
        return np.concatenate([empty, *self.batches(rows)])

    def batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The embeddings of rows `(n,)` of the table in batches, float32 `(videos, size)`."""
        starts = range(0, len(rows), self.batch_size)
        batches = (rows[start : start + self.batch_size] for start in starts)
        for inputs in prefetched(self.table.inputs, batches):
            if self._forward is None:
                self._forward = self._traced(inputs)
            tensors = {name: tf.constant(values) for name, values in inputs.items()}
            yield self._forward(tensors).numpy()

    def _traced(self, inputs: dict[str, np.ndarray]) -> Any:
        """The model as one graph for any number of videos and of frames."""
        specs = {}
        for name, values in inputs.items():
            shape = [None] if values.ndim == 1 else [None] * (values.ndim - 1) + [values.shape[-1]]
            specs[name] = tf.TensorSpec(shape, values.dtype)
        forward = tf.function(lambda inputs: self.model(inputs, training=False), autograph=False)
        return forward.get_concrete_function(specs)
