"""Which videos were watched together, and how often."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.ragged import offsets_of, places_of
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.graph.retrieval_task import DIRECTIONS, RetrievalTask
from yt8m_models.storage.filesystems import scheme

RECORD = "co_watch_graph.json"
KIND = "co_watch_graph"

_BLOCK_ROWS = 1 << 12


class CoWatchGraph:
    """The co-watch graph: videos, and edges between those that were watched together.

    The neighbours of the video in row r are `neighbors[offsets[r] : offsets[r + 1]]`, rising, and
    `weights` at the same places say how many members watched both. Each edge stands in both of its
    rows, each time once; no video is its own neighbour. Videos without an edge have an empty row.

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
            that were shown to a member near a watch of the video, and that no member co-watched
            with it; `None` where the log has no impressions.
        settings: what the graph was made with, as JSON takes it.

    Attributes: as the arguments.

    Raises:
        ValueError: the arrays do not fit together.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    section 3.1; Kafle et al. (arXiv 2012.11673), section 3.4.
    """

    def __init__(
        self,
        ids: VideoIds,
        offsets: np.ndarray,
        neighbors: np.ndarray,
        weights: np.ndarray,
        is_eval: np.ndarray,
        shown_offsets: np.ndarray | None = None,
        shown_neighbors: np.ndarray | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.ids = ids
        self.offsets = np.asarray(offsets, np.int64)
        self.neighbors = np.asarray(neighbors, np.int32)
        self.weights = np.asarray(weights, np.int32)
        self.is_eval = np.asarray(is_eval, bool)
        self.shown_offsets = _optional(shown_offsets, np.int64)
        self.shown_neighbors = _optional(shown_neighbors, np.int32)
        self.settings = {} if settings is None else dict(settings)
        self._check()

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
        shown_arrays = (None, None) if shown is None else _rows(np.asarray(shown), len(ids))
        return cls(
            ids,
            offsets_of(np.bincount(both[:, 0], minlength=len(ids))),
            both[:, 1],
            np.tile(np.asarray(weights), 2)[order],
            is_eval,
            *shown_arrays,
        )

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "CoWatchGraph":
        """Opens the graph in a directory; its edges stay on disk.

        Raises:
            ValueError: the directory holds no finished graph, or one that is damaged.
        """
        path = Path(directory)
        record = _read_record(path)
        names = ["offsets", "neighbors", "weights", "is_eval"]
        if record["num_shown"] is not None:
            names += ["shown_offsets", "shown_neighbors"]
        arrays = {name: _load(path / f"{name}.npy") for name in names}
        try:
            graph = cls(VideoIds(_load(path / "ids.npy")), **arrays, settings=record["settings"])
        except ValueError as error:
            raise ValueError(f"{directory} holds a damaged co-watch graph: {error}") from error
        if (len(graph.ids), graph.num_edges) != (record["num_videos"], record["num_edges"]):
            raise ValueError(
                f"{path / RECORD} tells of {record['num_videos']} videos and "
                f"{record['num_edges']} edges; beside it are {len(graph.ids)} and {graph.num_edges}"
            )
        return graph

    def save(self, directory: str | os.PathLike) -> None:
        """Writes the graph.

        Raises:
            ValueError: the directory is not local, or already holds a graph.
        """
        path = prepare(directory)
        arrays = {name: getattr(self, name) for name in ("offsets", "neighbors", "weights")}
        arrays |= {"ids": self.ids.ids, "is_eval": self.is_eval}
        if self.shown_offsets is not None and self.shown_neighbors is not None:
            arrays |= {
                "shown_offsets": self.shown_offsets,
                "shown_neighbors": self.shown_neighbors,
            }
        for name, array in arrays.items():
            np.save(path / f"{name}.npy", array)
        num_shown = None if self.shown_neighbors is None else len(self.shown_neighbors)
        write_record(path, len(self.ids), self.num_edges, num_shown, self.settings)

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

    def _check(self) -> None:
        count = len(self.ids)
        if self.is_eval.shape != (count,):
            raise ValueError(f"is_eval must have the shape {(count,)}; it has {self.is_eval.shape}")
        if self.weights.shape != self.neighbors.shape:
            raise ValueError(
                "weights and neighbors must have one shape; received "
                f"{self.weights.shape} and {self.neighbors.shape}"
            )
        _check_rows("offsets", self.offsets, "neighbors", self.neighbors, count)
        if (self.shown_offsets is None) != (self.shown_neighbors is None):
            raise ValueError("shown_offsets and shown_neighbors must be given together")
        if self.shown_offsets is not None and self.shown_neighbors is not None:
            _check_rows(
                "shown_offsets", self.shown_offsets, "shown_neighbors", self.shown_neighbors, count
            )


def prepare(directory: str | os.PathLike) -> Path:
    """Makes the directory of a new graph.

    Raises:
        ValueError: it is not local, or already holds a graph.
    """
    if scheme(str(directory)):
        raise ValueError(f"{directory} must be a local directory: graphs are memory-mapped")
    path = Path(directory)
    if (path / RECORD).exists():
        raise ValueError(f"{directory} already holds a co-watch graph; choose another directory")
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def array_file(path: Path, dtype: Any, length: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Gives a function that appends blocks to an array `(length,)` in an `.npy` file."""
    dtype = np.dtype(dtype)
    header = {"descr": dtype.str, "fortran_order": False, "shape": (length,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)

        def append(block: np.ndarray) -> None:
            file.write(np.ascontiguousarray(block, dtype).data)

        yield append


def write_record(
    path: Path,
    num_videos: int,
    num_edges: int,
    num_shown: int | None,
    settings: Mapping[str, Any],
) -> None:
    """Writes `co_watch_graph.json`, which makes the arrays beside it a graph."""
    record = {
        "kind": KIND,
        "num_videos": num_videos,
        "num_edges": num_edges,
        "num_shown": num_shown,
        "settings": dict(settings),
    }
    partial = path / f".{RECORD}.partial"
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(path / RECORD)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads((path / RECORD).read_text())
        found = record["kind"]
        counts = [record[name] for name in ("num_videos", "num_edges", "num_shown", "settings")]
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(
            f"{path} holds no {RECORD}: no co-watch graph was written there to the end "
            "(yt8m build-graph)"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path / RECORD}: not the record of a graph ({error!r})") from error
    if found != KIND or not isinstance(counts[-1], dict):
        raise ValueError(f"{path / RECORD}: not the record of a graph (kind {found!r})")
    return record


def _load(path: Path) -> np.ndarray:
    try:
        # np.asarray: indexing a memmap object costs more than indexing a plain view of it
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _optional(array: np.ndarray | None, dtype: type) -> np.ndarray | None:
    return None if array is None else np.asarray(array, dtype)


def _rows(pairs: np.ndarray, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and values of distinct pairs `(row, value)`."""
    pairs = np.unique(pairs.reshape(-1, 2), axis=0).astype(np.int64)
    return offsets_of(np.bincount(pairs[:, 0], minlength=num_rows)), pairs[:, 1]


def _check_rows(
    offsets_name: str, offsets: np.ndarray, values_name: str, values: np.ndarray, count: int
) -> None:
    if offsets.shape != (count + 1,) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError(
            f"{offsets_name} must rise from 0 and have the shape {(count + 1,)}; "
            f"it has {offsets.shape}"
        )
    if values.shape != (offsets[-1],):
        raise ValueError(
            f"{values_name} must have the shape {(int(offsets[-1]),)}, where {offsets_name} ends; "
            f"it has {values.shape}"
        )
