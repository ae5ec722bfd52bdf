"""Triplets of the co-watch graph's training partition."""

from typing import NamedTuple

import numpy as np

from yt8m_models.data.ragged import bisect, offsets_of
from yt8m_models.graph.co_watch_graph import CoWatchGraph

NEGATIVES = ("uniform", "shown")

_STREAM = 3  # apart from other random numbers of the same seed
_BLOCK_ROWS = 1 << 12


class Triplets(NamedTuple):
    """Rows of the graph, int64 `(batch,)` each."""

    anchors: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray


class TripletSampler:
    """Draws triplets: an anchor, a neighbour of it, and a video that is none.

    Anchor and positive are the ends of an edge whose videos are both of the training partition and
    usable. All such edges are equally likely, or as likely as their weight says, in both
    directions, and are drawn with replacement.
    Negatives are training videos and usable too, never the anchor nor a neighbour of it:

    - `"uniform"`: all videos that may be it are equally likely. An anchor for which there is none,
      as it is a neighbour of all others, is left out.
    - `"shown"`: all videos that were shown near the anchor and not co-watched are equally likely.
      An anchor for which there is none gets a uniform negative.

    Negatives are drawn by their rank among those allowed, so that no draw is ever repeated.

    Args:
        graph: the co-watch graph.
        usable: bool `(n,)`, such as the videos that have features.
        negatives: one of `NEGATIVES`.
        seed: another one draws other triplets.
        by_weight: draw edges in proportion to their weights.

    Attributes:
        num_videos: training videos that are usable.
        num_edges: edges to draw from, each direction counted by itself.
        num_left_out: videos that have such edges and no negative.
        num_without_shown: anchors that get uniform negatives in place of shown ones.

    Raises:
        ValueError: an argument is wrong, the graph has no impressions and `negatives` is `"shown"`,
            or there is no edge to draw.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    section 3; Kafle et al. (arXiv 2012.11673), section 3.4.
    """

    def __init__(
        self,
        graph: CoWatchGraph,
        usable: np.ndarray,
        negatives: str = "uniform",
        seed: int = 0,
        by_weight: bool = False,
    ) -> None:
        if negatives not in NEGATIVES:
            raise ValueError(f"negatives must be {' or '.join(NEGATIVES)}; received {negatives!r}")
        if seed < 0:
            raise ValueError(f"seed must be at least 0; received {seed}")
        self.graph = graph
        self.seed = seed
        is_trained_on = graph.checked_mask("usable", usable) & ~graph.is_eval
        self._videos = np.flatnonzero(is_trained_on)
        self.num_videos = len(self._videos)
        numbers = np.full(len(graph), -1, np.int32)
        numbers[self._videos] = np.arange(self.num_videos)
        # Videos are numbered anew from here on: those that are trained on, in the graph's order.
        edges = (graph.offsets, graph.neighbors)
        self._offsets, self._neighbors = _within(*edges, numbers)
        weights = _within(*edges, numbers, graph.weights)[1] if by_weight else None
        degrees = np.diff(self._offsets)
        has_edges = degrees > 0
        has_negative = degrees < self.num_videos - 1
        self.num_left_out = int(np.count_nonzero(has_edges & ~has_negative))
        if self.num_left_out:
            is_kept = np.repeat(has_negative, degrees)
            self._neighbors = self._neighbors[is_kept]
            weights = None if weights is None else weights[is_kept]
            self._offsets = offsets_of(np.where(has_negative, degrees, 0))
        self.num_edges = len(self._neighbors)
        if not self.num_edges:
            raise ValueError(
                f"no triplet can be drawn: of the graph's {graph.num_edges:,} edges none joins two "
                f"of the {self.num_videos:,} training videos with features"
                + (" so that a third is left as a negative" if self.num_left_out else "")
            )
        self._ends = None if weights is None else np.cumsum(weights, dtype=np.int64)
        self._shown_offsets = np.zeros(self.num_videos + 1, np.int64)
        self._shown = np.zeros(0, np.int32)
        self.num_without_shown = 0
        if negatives == "shown":
            if graph.shown_offsets is None or graph.shown_neighbors is None:
                raise ValueError(
                    "negatives that were shown need a graph of a log with impressions "
                    "(column impression); choose uniform ones"
                )
            shown = _within(graph.shown_offsets, graph.shown_neighbors, numbers)
            self._shown_offsets, self._shown = shown
            is_without = (np.diff(self._offsets) > 0) & (np.diff(self._shown_offsets) == 0)
            self.num_without_shown = int(np.count_nonzero(is_without))

    def batch(self, step: int, batch_size: int) -> Triplets:
        """The triplets of a step, which depend on it, on the batch size and on the seed alone."""
        rng = np.random.default_rng([self.seed, _STREAM, step])
        if self._ends is None:
            edges = rng.integers(self.num_edges, size=batch_size)
        else:
            draws = rng.integers(self._ends[-1], size=batch_size)
            edges = np.searchsorted(self._ends, draws, side="right")
        anchors = np.searchsorted(self._offsets, edges, side="right") - 1
        negatives = self._uniform(anchors, rng.random(batch_size))
        first = self._shown_offsets[anchors]
        counts = self._shown_offsets[anchors + 1] - first
        has_shown = counts > 0
        if has_shown.any():
            ranks = (rng.random(batch_size) * counts).astype(np.int64)
            negatives[has_shown] = self._shown[(first + ranks)[has_shown]]
        rows = (anchors, self._neighbors[edges], negatives)
        return Triplets(*(self._videos[numbers] for numbers in rows))

    def neighbor_pairs(self, anchors: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Whether a candidate is an anchor itself or a neighbour of it.

        Args:
            anchors: rows of the graph, `(a,)`.
            candidates: rows of the graph, `(c,)`.

        Returns:
            bool `(a, c)`.
        """
        videos, numbers = np.unique(anchors, return_inverse=True)  # often there are few
        pairs = videos[:, None] == np.asarray(candidates)
        rows, columns, _ = self.graph.edges_between(videos, candidates)
        pairs[rows, columns] = True
        return pairs[numbers]

    def _uniform(self, anchors: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """A video for each anchor that is neither it nor a neighbour, by a draw from [0, 1).

        Of V videos an anchor with d neighbours may have V - d - 1. A rank r among these becomes the
        rank among the V - d that are no neighbours, by skipping the anchor, and then the video, by
        skipping the neighbours up to it: those p_0 < p_1 < … with p_i - i <= r.
        """
        starts, ends = self._offsets[anchors], self._offsets[anchors + 1]
        ranks = (draws * (self.num_videos - (ends - starts) - 1)).astype(np.int64)
        lower = bisect(starts, ends, lambda place: self._neighbors[place] < anchors)
        ranks += ranks >= anchors - (lower - starts)
        skipped = bisect(
            starts, ends, lambda place: self._neighbors[place] - (place - starts) <= ranks
        )
        return ranks + (skipped - starts)


def _within(
    offsets: np.ndarray, values: np.ndarray, numbers: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of some videos without other videos, by their new numbers (-1 for the others).

    With `weights`, these at the places of the values, in place of the values.
    """
    lengths, parts = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for first in range(0, len(numbers), _BLOCK_ROWS):
        owners = numbers[first : first + _BLOCK_ROWS]
        ends = offsets[first : first + _BLOCK_ROWS + 1]
        found = numbers[values[ends[0] : ends[-1]]]
        is_kept = (found >= 0) & np.repeat(owners >= 0, np.diff(ends))
        num_kept = np.concatenate([[0], np.cumsum(is_kept)])[ends - ends[0]]
        lengths.append(np.diff(num_kept)[owners >= 0])
        parts.append((found if weights is None else weights[ends[0] : ends[-1]])[is_kept])
    return offsets_of(np.concatenate(lengths)), np.concatenate(parts)
