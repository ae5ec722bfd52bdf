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

    A share of the negatives may be graded: neighbours to which the anchor is less relevant than to
    the positive, by an edge of a lower weight; all such are equally likely. An edge without one has
    another negative, and is left out where there is none either.

    Negatives are drawn by their rank among those allowed, so that no draw is ever repeated.

    Args:
        graph: the co-watch graph.
        usable: bool `(n,)`, such as the videos that have features.
        negatives: one of `NEGATIVES`.
        seed: another one draws other triplets.
        by_weight: draw edges in proportion to their weights.
        graded: share of the triplets whose negative is a neighbour of lower weight, where there is.

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
        graded: float = 0.0,
    ) -> None:
        if negatives not in NEGATIVES:
            raise ValueError(f"negatives must be {' or '.join(NEGATIVES)}; received {negatives!r}")
        if seed < 0:
            raise ValueError(f"seed must be at least 0; received {seed}")
        if not 0 <= graded <= 1:
            raise ValueError(f"graded must be at least 0 and at most 1; received {graded}")
        if graded and negatives != "uniform":
            raise ValueError(f"negatives must be uniform with graded ones; received {negatives!r}")
        self.graph = graph
        self.seed = seed
        self.graded = graded
        is_trained_on = graph.checked_mask("usable", usable) & ~graph.is_eval
        self._videos = np.flatnonzero(is_trained_on)
        self.num_videos = len(self._videos)
        numbers = np.full(len(graph), -1, np.int32)
        numbers[self._videos] = np.arange(self.num_videos)
        # Videos are numbered anew from here on: those that are trained on, in the graph's order.
        edges = (graph.offsets, graph.neighbors)
        self._offsets, self._neighbors = _within(*edges, numbers)
        weights = None
        if by_weight or graded:
            weights = _within(*edges, numbers, graph.weights)[1]
        degrees = np.diff(self._offsets)
        has_edges = degrees > 0
        has_negative = degrees < self.num_videos - 1
        is_drawn = np.repeat(has_negative, degrees)
        if graded and weights is not None:
            self._order, self._num_lower = _ranked(self._offsets, weights)
            is_drawn |= self._num_lower > 0
        is_anchor = has_edges.copy()
        is_anchor[has_edges] = np.logical_or.reduceat(is_drawn, self._offsets[:-1][has_edges])
        self.num_left_out = int(np.count_nonzero(has_edges & ~is_anchor))
        self._drawn = None if is_drawn.all() else np.flatnonzero(is_drawn)
        self.num_edges = int(np.count_nonzero(is_drawn))
        if not self.num_edges:
            raise ValueError(
                f"no triplet can be drawn: of the graph's {graph.num_edges:,} edges none joins two "
                f"of the {self.num_videos:,} training videos with features"
                + (" so that a third is left as a negative" if self.num_left_out else "")
            )
        self._ends = None
        if by_weight and weights is not None:
            self._ends = np.cumsum(weights[is_drawn], dtype=np.int64)
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
            is_without = is_anchor & (np.diff(self._shown_offsets) == 0)
            self.num_without_shown = int(np.count_nonzero(is_without))

    def batch(self, step: int, batch_size: int) -> Triplets:
        """The triplets of a step, which depend on it, on the batch size and on the seed alone."""
        rng = np.random.default_rng([self.seed, _STREAM, step])
        if self._ends is None:
            edges = rng.integers(self.num_edges, size=batch_size)
        else:
            draws = rng.integers(self._ends[-1], size=batch_size)
            edges = np.searchsorted(self._ends, draws, side="right")
        if self._drawn is not None:
            edges = self._drawn[edges]
        anchors = np.searchsorted(self._offsets, edges, side="right") - 1
        negatives = self._uniform(anchors, rng.random(batch_size))
        if self.graded:
            self._grade(negatives, anchors, edges, rng)
        first = self._shown_offsets[anchors]
        counts = self._shown_offsets[anchors + 1] - first
        has_shown = counts > 0
        if has_shown.any():
            ranks = (rng.random(batch_size) * counts).astype(np.int64)
            negatives[has_shown] = self._shown[(first + ranks)[has_shown]]
        rows = (anchors, self._neighbors[edges], negatives)
        return Triplets(*(self._videos[numbers] for numbers in rows))

    def excluded(self, triplets: Triplets) -> np.ndarray:
        """Whether the negative of one triplet must not be that of another, bool `(batch, batch)`.

        It must not be the anchor itself or a neighbour of it; a graded one may be a neighbour whose
        edge has a lower weight than that of the positive.
        """
        anchors, positives, candidates = triplets
        if not self.graded:
            return self.neighbor_pairs(anchors, candidates)
        graph = self.graph
        places = bisect(
            graph.offsets[anchors],
            graph.offsets[anchors + 1],
            lambda place: graph.neighbors[place] < positives,
        )
        pairs: np.ndarray = anchors[:, None] == candidates
        rows, columns, weights = graph.edges_between(anchors, candidates)
        is_as_relevant = weights >= graph.weights[places][rows]
        pairs[rows[is_as_relevant], columns[is_as_relevant]] = True
        return pairs

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
        found: np.ndarray = ranks + (skipped - starts)
        return found

    def _grade(
        self,
        negatives: np.ndarray,
        anchors: np.ndarray,
        edges: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Puts neighbours of lower weight in the place of some negatives, or of those not there."""
        starts, num_lower = self._offsets[anchors], self._num_lower[edges]
        has_others = self._offsets[anchors + 1] - starts < self.num_videos - 1
        is_graded = (rng.random(len(edges)) < self.graded) | ~has_others
        places = starts + (rng.random(len(edges)) * num_lower).astype(np.int64)
        chosen = is_graded & (num_lower > 0)
        negatives[chosen] = self._neighbors[self._order[places[chosen]]]


def _ranked(offsets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of each row by rising weight, and how many of its row weigh less than each."""
    owners = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((weights, owners))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(weights[order]) != 0) | (np.diff(owners) != 0)
    firsts = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    num_lower = np.empty_like(order)
    num_lower[order] = firsts - offsets[owners]
    return order, num_lower


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
