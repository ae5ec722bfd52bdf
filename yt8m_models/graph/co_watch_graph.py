"""Which videos were watched together, and how often."""

import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.ragged import offsets_of, places_of
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.storage.artifact_dir import ArtifactDir, optional_int, read_array

GRAPH = ArtifactDir(
    "co_watch_graph.json",
    ("co_watch_graph",),
    "a co-watch graph",
    "yt8m build-graph",
    __version__,
    {"num_videos": int, "num_edges": int, "num_shown": optional_int, "settings": dict},
)
DIRECTIONS = ("T2E", "E2T")
_BLOCK_ROWS = 1 << 12


class RetrievalTask(NamedTuple):
    """Queries of one partition, and candidates of the other.

    Attributes:
        queries: rows of the graph, int64 `(q,)`, rising.
        candidates: rows of the graph, int64 `(c,)`, rising.
    """

    queries: np.ndarray
    candidates: np.ndarray


@dataclass(eq=False)
class CoWatchGraph:
    """The co-watch graph: videos, and edges between those that were watched together.

    The neighbours of the video in row r are `neighbors[offsets[r] : offsets[r + 1]]`, rising, and
    `weights` at the same places say how many users watched both, or how often. Each edge stands in
    both of its rows, each time once; no video is its own neighbour. Videos without an edge have an
    empty row.

    A graph on disk is a directory of arrays, which are memory-mapped, and of `co_watch_graph.json`,
    which is written last.

    Args:
        ids: all videos of the log.
        offsets: int64 `(n + 1,)`.
        neighbors: int32 `(2 · edges,)`.
        weights: int32 `(2 · edges,)`.
        is_eval: bool `(n,)`, whether a video is in the evaluation partition, or else in the
            training partition.
        shown_offsets, shown_neighbors: in the same form, but not in both directions, the videos
            that were shown to a user near a watch of the video, and that no user co-watched
            with it; `None` where the log has no impressions.
        settings: what the graph was made with, as JSON takes it.

    Raises:
        ValueError: the arrays do not fit together.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    section 3.1; Kafle et al. (arXiv 2012.11673), section 3.4.
    """

    ids: VideoIds
    offsets: np.ndarray
    neighbors: np.ndarray
    weights: np.ndarray
    is_eval: np.ndarray
    shown_offsets: np.ndarray | None = None
    shown_neighbors: np.ndarray | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.ids)
        self.is_eval = np.asarray(self.is_eval, bool)
        self.weights = np.asarray(self.weights, np.int32)
        if self.is_eval.shape != (count,):
            raise ValueError(f"is_eval must have the shape {(count,)}; it has {self.is_eval.shape}")
        if self.weights.shape != np.shape(self.neighbors):
            raise ValueError(
                "weights and neighbors must have one shape; received "
                f"{self.weights.shape} and {np.shape(self.neighbors)}"
            )
        if (self.shown_offsets is None) != (self.shown_neighbors is None):
            raise ValueError("shown_offsets and shown_neighbors must be given together")
        self.offsets, self.neighbors = _checked_rows("", self.offsets, self.neighbors, count)
        if self.shown_offsets is not None:
            self.shown_offsets, self.shown_neighbors = _checked_rows(
                "shown_", self.shown_offsets, self.shown_neighbors, count
            )

    @classmethod
    def from_edges(
        cls,
        ids: VideoIds,
        edges: np.ndarray,
        weights: np.ndarray,
        is_eval: np.ndarray,
        shown: np.ndarray | None = None,
    ) -> "CoWatchGraph":
        """A graph of edges in memory.

        Args:
            ids: all videos.
            edges: int `(edges, 2)`, rows of the two videos, each edge once and in any order.
            weights: int `(edges,)`.
            is_eval: bool `(n,)`.
            shown: int `(pairs, 2)`, rows of a video and of one that was shown near it.

        Raises:
            ValueError: an edge is there twice, or joins a video with itself.
        """
        edges = np.asarray(edges, np.int64).reshape(-1, 2)
        both = np.concatenate([edges, edges[:, ::-1]])
        order = np.lexsort((both[:, 1], both[:, 0]))
        both = both[order]
        wrong = both[:, 0] == both[:, 1]
        wrong[1:] |= (both[1:] == both[:-1]).all(axis=1)
        if wrong.any():
            raise ValueError(
                "edges must join two videos, each pair once; received "
                f"{both[wrong.argmax()].tolist()}"
            )
        shown_offsets = shown_neighbors = None
        if shown is not None:
            pairs = np.unique(np.asarray(shown).reshape(-1, 2), axis=0).astype(np.int64)
            shown_offsets = offsets_of(np.bincount(pairs[:, 0], minlength=len(ids)))
            shown_neighbors = pairs[:, 1]
        return cls(
            ids,
            offsets_of(np.bincount(both[:, 0], minlength=len(ids))),
            both[:, 1],
            np.tile(np.asarray(weights), 2)[order],
            is_eval,
            shown_offsets,
            shown_neighbors,
        )

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "CoWatchGraph":
        """Opens the graph in a directory; its edges stay on disk.

        Raises:
            ValueError: the directory holds no finished graph, or one that is damaged.
        """
        record = GRAPH.read(directory)
        count, places = record["num_videos"], 2 * record["num_edges"]
        lengths = {"offsets": count + 1, "neighbors": places, "weights": places}
        if record["num_shown"] is not None:
            lengths |= {"shown_offsets": count + 1, "shown_neighbors": record["num_shown"]}
        arrays = {
            name: read_array(directory, name, np.integer, (length,))
            for name, length in lengths.items()
        }
        arrays["is_eval"] = read_array(directory, "is_eval", np.bool_, (count,))
        ids = VideoIds.load(directory, count)
        with GRAPH.opening(directory):
            return cls(ids, **arrays, settings=record["settings"])

    def save(self, directory: str | os.PathLike) -> None:
        """Writes the graph.

        Raises:
            ValueError: the directory is not local, or already holds a graph.
        """
        names = ["offsets", "neighbors", "weights", "is_eval"]
        if self.shown_neighbors is not None:
            names += ["shown_offsets", "shown_neighbors"]
        arrays = {**self.ids.arrays(), **{name: getattr(self, name) for name in names}}
        record = {
            "num_videos": len(self.ids),
            "num_edges": self.num_edges,
            "num_shown": None if self.shown_neighbors is None else len(self.shown_neighbors),
            "settings": self.settings,
        }
        GRAPH.write(GRAPH.prepare(directory), record, arrays)

    @property
    def num_edges(self) -> int:
        """Pairs of videos that were watched together, each counted once."""
        return len(self.neighbors) // 2

    def __len__(self) -> int:
        """The number of videos."""
        return len(self.ids)

    def edges_between(
        self, rows: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges from some videos to others: index in `rows`, index in `columns`, weight.

        A video may be in `rows` or in `columns` several times; its edges then come as often.
        """
        order = np.argsort(columns, kind="stable")
        videos, starts = np.unique(columns[order], return_index=True)
        numbers = np.zeros(len(self), np.int32)
        numbers[videos] = np.arange(1, len(videos) + 1)
        rows = np.asarray(rows, np.int64)
        begins, ends = self.offsets[rows], self.offsets[rows + 1]
        of_rows = [self.neighbors[begin:end] for begin, end in zip(begins, ends, strict=True)]
        found = numbers[np.concatenate([*of_rows, np.zeros(0, np.int32)])]
        hits = np.flatnonzero(found)
        bounds = np.cumsum(ends - begins)
        owners = np.searchsorted(bounds, hits, side="right")
        weights = self.weights[hits + (ends - bounds)[owners]]
        copies, of_videos = places_of(np.append(starts, len(columns)), found[hits] - 1)
        return owners[copies], order[of_videos], weights[copies]

    def relevance(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The weights of the edges as a matrix, int32 `(len(rows), len(columns))`; 0 for none."""
        matrix = np.zeros((len(rows), len(columns)), np.int32)
        indices, others, weights = self.edges_between(rows, columns)
        matrix[indices, others] = weights
        return matrix

    def queries_and_candidates(
        self, direction: str, has_features: np.ndarray | None = None
    ) -> RetrievalTask:
        """Cold-start retrieval from one partition to the other.

        The candidates of `T2E` are all evaluation videos, its queries the training videos that were
        co-watched with at least one of them: for others there is nothing to find. `E2T` is the
        reverse. `relevance` tells what was co-watched with what.

        Args:
            direction: `"T2E"` or `"E2T"`.
            has_features: bool `(n,)`, the videos to look at; all unless given.

        Raises:
            ValueError: the direction is not known, or no query has anything to find.
        """
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be {' or '.join(DIRECTIONS)}; received {direction!r}")
        is_candidate = self.is_eval if direction == "T2E" else ~self.is_eval
        is_query = ~is_candidate
        if has_features is not None:
            has_features = self.checked_mask("has_features", has_features)
            is_candidate, is_query = is_candidate & has_features, is_query & has_features
        candidates = np.flatnonzero(is_candidate)
        is_neighbor = np.zeros(len(self), bool)
        for block in np.array_split(candidates, -(-len(candidates) // _BLOCK_ROWS) or 1):
            _, places = places_of(self.offsets, block)
            is_neighbor[self.neighbors[places]] = True
        queries = np.flatnonzero(is_query & is_neighbor)
        if not len(queries):
            raise ValueError(
                f"{direction}: none of the {np.count_nonzero(is_query):,} possible queries was "
                f"co-watched with one of the {len(candidates):,} candidates"
            )
        return RetrievalTask(queries, candidates)

    def checked_mask(self, name: str, mask: np.ndarray) -> np.ndarray:
        """A choice of videos.

        Raises:
            ValueError: it is not bool `(n,)`; the message calls it `name`.
        """
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.shape != (len(self),):
            raise ValueError(
                f"{name} must be bool of the shape {(len(self),)}, one for each video of the "
                f"graph; received {mask.dtype} {mask.shape}"
            )
        return mask


def _checked_rows(
    prefix: str, offsets: Any, neighbors: Any, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and neighbours of `count` rows, int64 and int32, which must fit together."""
    offsets, neighbors = np.asarray(offsets, np.int64), np.asarray(neighbors, np.int32)
    if offsets.shape != (count + 1,) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError(
            f"{prefix}offsets must rise from 0 and have the shape {(count + 1,)}; "
            f"it has {offsets.shape}"
        )
    if neighbors.shape != (offsets[-1],):
        raise ValueError(
            f"{prefix}neighbors must have the shape {(int(offsets[-1]),)}, where {prefix}offsets "
            f"ends; it has {neighbors.shape}"
        )
    return offsets, neighbors
