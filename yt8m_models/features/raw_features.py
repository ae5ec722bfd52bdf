"""Content features as they are, in the place of embeddings."""

from collections.abc import Iterator

import numpy as np

from yt8m_models.features.table import Table
from yt8m_models.program.background import prefetched


class RawFeatures:
    """The features of videos side by side, of length 1: what embeddings are to be better than.

    Of frame-level features it is the mean over the frames. It has the methods of `Embedder`.

    Args:
        table: the features.
        per_feature_l2_norm: L2-normalise each feature by itself before all together, so that they
            count alike.
        batch_size: videos that are read together.

    Attributes:
        model: `Embeddings.model` of these features.
        size: their width.
    """

    def __init__(
        self, table: Table, per_feature_l2_norm: bool = True, batch_size: int = 1024
    ) -> None:
        self.table = table
        self.per_feature_l2_norm = per_feature_l2_norm
        self.batch_size = batch_size
        features = zip(table.names, table.sizes, strict=True)
        kind = "raw" if per_feature_l2_norm else "raw-together"
        self.model = f"{kind}:" + ",".join(f"{name}={size}" for name, size in features)
        self.size = table.num_features

    def batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The features of rows `(n,)` in batches, float32 `(videos, size)`."""
        starts = range(0, len(rows), self.batch_size)
        batches = (rows[start : start + self.batch_size] for start in starts)
        return prefetched(self._features, batches)

    def _features(self, rows: np.ndarray) -> np.ndarray:
        features = self.table.take(rows)
        if self.per_feature_l2_norm:
            ends = np.cumsum(self.table.sizes)[:-1]
            features = np.hstack([_normalized(part) for part in np.split(features, ends, axis=1)])
        return _normalized(features)


def _normalized(features: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(norms > 0, norms, 1)
