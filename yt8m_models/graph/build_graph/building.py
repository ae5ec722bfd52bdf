"""Building the co-watch graph of a log, out of core."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.ragged import offsets_of
from yt8m_models.data.video_hash import is_test
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.features.load_features import load_features
from yt8m_models.graph.build_graph.co_watches import (
    SHOWN,
    WATCH,
    count,
    count_pairs,
    count_same_times,
    counts,
    directed_edges,
    find_shown,
    number_events,
    read_log,
    shown_pairs,
    video_ids,
)
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.co_watch_graph import GRAPH
from yt8m_models.graph.engine import engine
from yt8m_models.graph.watch_log import IMPRESSION, TIME, WATCHED, WatchLog
from yt8m_models.program.progress import Progress
from yt8m_models.storage.artifact_dir import array_file

_LOGGER = logging.getLogger(__name__)
_SPILL = ".build_graph"
_SETTINGS = (
    "rule",
    "session_gap_minutes",
    "window_minutes",
    "min_watched_seconds",
    "min_count",
    "train_fraction",
    "seed",
)
_NUM_STEPS = 4  # beside reading a file


@dataclass(frozen=True)
class GraphSummary:
    """What was counted on the way from the log to the graph.

    Attributes:
        num_rows: rows of the log.
        num_watches: rows that count as watches.
        num_impressions: rows of videos that were shown and not watched.
        num_users: users in the log.
        num_videos: videos in the log, all of them in the graph.
        num_eval: videos in the evaluation partition.
        num_pairs: edges before `min_count`.
        num_edges: edges of the graph.
        num_shown: pairs of a video and one that was shown near it; `None` without impressions.
        num_without_features: videos in the log that have no features; `None` if not asked for.
        num_not_in_log: videos with features that are not in the log; `None` if not asked for.
    """

    num_rows: int
    num_watches: int
    num_impressions: int
    num_users: int
    num_videos: int
    num_eval: int
    num_pairs: int
    num_edges: int
    num_shown: int | None
    num_without_features: int | None
    num_not_in_log: int | None


def build_graph(config: BuildGraphConfig, progress: bool = False) -> GraphSummary:
    """Writes the co-watch graph of a log.

    DuckDB works on the log in a database in `config.output_dir`, which is removed at the end, so
    that neither the log nor the pairs need to fit into memory; the ids of the videos do.

    Args:
        config: the log, the rule, and where the graph goes.
        progress: show progress on stderr.

    Raises:
        ValueError: there is no such file, a row is bad (the file and the row are named), the log is
            empty, no edge is left, or the directory already holds a graph.
        OSError: there is no room on disk.
    """
    feature_ids = load_features(config.features_dir).ids if config.features_dir else None
    directory = GRAPH.prepare(config.output_dir)
    with ExitStack() as stack:
        connection = stack.enter_context(engine(directory / _SPILL, config.memory_limit))
        needed = [TIME, WATCHED] if config.min_watched_seconds else [TIME]
        log = WatchLog(connection, directory / _SPILL, config, needed, [IMPRESSION])
        total = len(log.paths) + _NUM_STEPS
        bar = Progress(total, "steps", "co-watch graph", enabled=progress)
        stack.enter_context(bar)
        num_rows = read_log(connection, log, config.min_watched_seconds, bar)
        with _step(bar, "numbering the ids"):
            number_events(connection)
            ids = VideoIds(video_ids(connection))
        kinds = counts(connection, "SELECT kind, count(*) FROM events GROUP BY kind")
        with _step(bar, "counting pairs"):
            count_pairs(connection, config)
            num_edges = _num_edges(connection, config)
        if config.rule == "session" and (num_same := count_same_times(connection)):
            _LOGGER.warning(
                "%s times a user began several videos at the same time: these follow each other in "
                "the order of their ids",
                f"{num_same:,}",
            )
        with _step(bar, "joining impressions"):
            if SHOWN in kinds:
                find_shown(connection, config)
        with _step(bar, "writing"):
            is_eval = np.array(
                [is_test(video, 1 - config.train_fraction, config.seed) for video in ids]
            )
            arrays = {
                "ids": ids.ids,
                "is_eval": is_eval,
                "offsets": _write_edges(directory, connection, config.min_count, len(ids)),
            }
            num_shown = None
            if SHOWN in kinds:
                arrays["shown_offsets"] = _write_shown(directory, connection, len(ids))
                num_shown = int(arrays["shown_offsets"][-1])
        without, not_in_log = None, None
        if feature_ids is not None:
            without = int(np.count_nonzero(feature_ids.rows(ids.ids) == UNKNOWN))
            not_in_log = int(np.count_nonzero(ids.rows(feature_ids.ids) == UNKNOWN))
        summary = GraphSummary(
            num_rows=num_rows,
            num_watches=kinds.get(WATCH, 0),
            num_impressions=kinds.get(SHOWN, 0),
            num_users=count(connection, "SELECT count(*) FROM users"),
            num_videos=len(ids),
            num_eval=int(np.count_nonzero(is_eval)),
            num_pairs=count(connection, "SELECT count(*) FROM pairs"),
            num_edges=num_edges,
            num_shown=num_shown,
            num_without_features=without,
            num_not_in_log=not_in_log,
        )
    settings = {name: getattr(config, name) for name in _SETTINGS}
    record = {
        "num_videos": len(ids),
        "num_edges": num_edges,
        "num_shown": num_shown,
        "settings": {**settings, "counts": asdict(summary)},
    }
    GRAPH.write(directory, record, arrays)
    return summary


@contextmanager
def _step(bar: Progress, name: str) -> Iterator[None]:
    """Shows the step that is worked on, and counts it in the end."""
    bar.update(0, now=name)
    yield
    bar.update(1)


def _num_edges(connection: Any, config: BuildGraphConfig) -> int:
    """How many edges `min_count` leaves.

    Raises:
        ValueError: none.
    """
    query = "SELECT count(*) FILTER (num_users >= ?), coalesce(max(num_users), 0) FROM pairs"
    [(num_edges, largest)] = connection.execute(query, [config.min_count]).fetchall()
    if not largest:
        raise ValueError(
            f"no two videos of the log were co-watched by --rule={config.rule}: is --time_unit "
            "right, and are there users with several watches?"
        )
    if not num_edges:
        raise ValueError(
            f"no edge is left after --min_count={config.min_count}: no two videos were co-watched "
            f"by more than {largest} user{'s' if largest > 1 else ''}"
        )
    return num_edges


def _write_edges(directory: Path, connection: Any, min_count: int, num_videos: int) -> np.ndarray:
    """Writes neighbours and weights; their offsets."""
    degrees = np.zeros(num_videos, np.int64)
    with (
        array_file(directory, "neighbors", np.int32) as add_neighbors,
        array_file(directory, "weights", np.int32) as add_weights,
    ):
        for owners, neighbors, weights in directed_edges(connection, min_count):
            _count_rising(degrees, owners)
            add_neighbors(neighbors)
            add_weights(weights)
    return offsets_of(degrees)


def _write_shown(directory: Path, connection: Any, num_videos: int) -> np.ndarray:
    """Writes the videos that were shown; their offsets."""
    degrees = np.zeros(num_videos, np.int64)
    with array_file(directory, "shown_neighbors", np.int32) as add:
        for owners, neighbors in shown_pairs(connection):
            _count_rising(degrees, owners)
            add(neighbors)
    return offsets_of(degrees)


def _count_rising(degrees: np.ndarray, owners: np.ndarray) -> None:
    """Adds to each owner's degree how often it is in a block of a sorted column."""
    first = owners[0]
    counts = np.bincount(owners - first)
    degrees[first : first + len(counts)] += counts
