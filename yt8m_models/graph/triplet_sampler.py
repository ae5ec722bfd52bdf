"""Triplets of the co-watch graph's training partition."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from yt8m_models.data.ragged import bisect, offsets_of
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.storage.spilled_array import SpilledArray

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

    Negatives are drawn by their rank among those allowed, so that no draw is ever repeated. What is
    kept of each edge is in temporary files, memory-mapped: memory grows with the videos alone.

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
        weights = graph.weights if by_weight or graded else None
        edges = _Edges(self.num_videos, graded > 0, by_weight)
        for block in _within(graph.offsets, graph.neighbors, numbers, weights):
            edges.append(block)
        self._offsets, self._neighbors = offsets_of(edges.degrees()), edges.neighbors.mapped()
        self._order, self._num_lower = edges.order.mapped(), edges.num_lower.mapped()
        self.num_left_out = edges.num_left_out
        skipped = np.concatenate(edges.skipped)
        self.num_edges = len(self._neighbors) - len(skipped)
        self._skipped = skipped - np.arange(len(skipped))
        if not self.num_edges:
            raise ValueError(
                f"no triplet can be drawn: of the graph's {graph.num_edges:,} edges none joins two "
                f"of the {self.num_videos:,} training videos with features"
                + (" so that a third is left as a negative" if self.num_left_out else "")
            )
        self._ends = edges.ends.mapped() if by_weight else None
        self._shown_offsets = np.zeros(self.num_videos + 1, np.int64)
        self._shown = np.zeros(0, np.int32)
        self.num_without_shown = 0
        if negatives == "shown":
            if graph.shown_offsets is None or graph.shown_neighbors is None:
                raise ValueError(
                    "negatives that were shown need a graph of a log with impressions "
                    "(column impression); choose uniform ones"
                )
            shown, counts = SpilledArray(np.int32), [np.zeros(0, np.int64)]
            for block in _within(graph.shown_offsets, graph.shown_neighbors, numbers):
                shown.append(block.neighbors)
                counts.append(block.degrees)
            self._shown_offsets = offsets_of(np.concatenate(counts))
            self._shown = shown.mapped()
            is_without = edges.is_anchor() & (np.diff(self._shown_offsets) == 0)
            self.num_without_shown = int(np.count_nonzero(is_without))

    def batch(self, step: int, batch_size: int) -> Triplets:
        """The triplets of a step, which depend on it, on the batch size and on the seed alone."""
        rng = np.random.default_rng([self.seed, _STREAM, step])
        if self._ends is None:
            edges = rng.integers(self.num_edges, size=batch_size)
        else:
            draws = rng.integers(self._ends[-1], size=batch_size)
            edges = np.searchsorted(self._ends, draws, side="right")
        edges = edges + np.searchsorted(self._skipped, edges, side="right")
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


class _Rows(NamedTuple):
    """What is left of some rows: how much of each, the neighbours, and their weights if asked."""

    degrees: np.ndarray
    neighbors: np.ndarray
    weights: np.ndarray | None


class _Edges:
    """The edges to draw from, which grow row by row on disk.

    Attributes:
        neighbors: the neighbours of all rows, one row after the other.
        order: the places of each row by rising weight, for graded negatives.
        num_lower: how many edges of its row weigh less than each, for graded negatives.
        ends: sums of the weights up to each edge that is drawn, for edges drawn by weight.
        skipped: places of edges that are not drawn, as they have no negative; rising.
        num_left_out: rows that have edges, and none that is drawn.
    """

    def __init__(self, num_videos: int, graded: bool, by_weight: bool) -> None:
        self._num_videos, self._graded, self._by_weight = num_videos, graded, by_weight
        self._degrees = [np.zeros(0, np.int64)]
        self._is_anchor = [np.zeros(0, bool)]
        self._length = self._weight = 0
        self.neighbors = SpilledArray(np.int32)
        self.order, self.num_lower = SpilledArray(np.int64), SpilledArray(np.int64)
        self.ends = SpilledArray(np.int64)
        self.skipped = [np.zeros(0, np.int64)]
        self.num_left_out = 0

    def append(self, rows: _Rows) -> None:
        offsets = offsets_of(rows.degrees)
        has_edges = rows.degrees > 0
        is_drawn = np.repeat(rows.degrees < self._num_videos - 1, rows.degrees)
        if self._graded and rows.weights is not None:
            order, num_lower = _ranked(offsets, rows.weights)
            self.order.append(self._length + order)
            self.num_lower.append(num_lower)
            is_drawn |= num_lower > 0
        is_anchor = has_edges.copy()
        if len(is_drawn):
            is_anchor[has_edges] = np.logical_or.reduceat(is_drawn, offsets[:-1][has_edges])
        if self._by_weight and rows.weights is not None:
            ends = self._weight + np.cumsum(rows.weights[is_drawn], dtype=np.int64)
            self._weight = int(ends[-1]) if len(ends) else self._weight
            self.ends.append(ends)
        self.neighbors.append(rows.neighbors)
        self.skipped.append(self._length + np.flatnonzero(~is_drawn))
        self.num_left_out += int(np.count_nonzero(has_edges & ~is_anchor))
        self._degrees.append(rows.degrees)
        self._is_anchor.append(is_anchor)
        self._length += len(is_drawn)

    def degrees(self) -> np.ndarray:
        """How many edges each row has."""
        return np.concatenate(self._degrees)

    def is_anchor(self) -> np.ndarray:
        """Which rows have an edge that is drawn."""
        return np.concatenate(self._is_anchor)


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
) -> Iterator[_Rows]:
    """The rows of some videos without other videos, by their new numbers (-1 for the others)."""
    for first in range(0, len(numbers), _BLOCK_ROWS):
        owners = numbers[first : first + _BLOCK_ROWS]
        ends = offsets[first : first + _BLOCK_ROWS + 1]
        found = numbers[values[ends[0] : ends[-1]]]
        is_kept = (found >= 0) & np.repeat(owners >= 0, np.diff(ends))
        num_kept = np.concatenate([[0], np.cumsum(is_kept)])[ends - ends[0]]
        of_kept = None if weights is None else weights[ends[0] : ends[-1]][is_kept]
        yield _Rows(np.diff(num_kept)[owners >= 0], found[is_kept], of_kept)
