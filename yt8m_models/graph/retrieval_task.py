"""Cold-start retrieval between the two partitions of a co-watch graph."""

from typing import NamedTuple

import numpy as np

DIRECTIONS = ("T2E", "E2T")


class RetrievalTask(NamedTuple):
    """Queries of one partition, and candidates of the other.

    Attributes:
        queries: rows of the graph, int64 `(q,)`, rising.
        candidates: rows of the graph, int64 `(c,)`, rising.
    """

    queries: np.ndarray
    candidates: np.ndarray
