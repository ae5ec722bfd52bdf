"""Building the co-watch graph of a log, out of core."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.data.ragged import offsets_of
from yt8m_models.data.video_hash import are_test
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.features.load_features import load_features
from yt8m_models.graph.build_graph.co_watches import SHOWN, WATCH, CoWatches, LeftOut
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.build_graph.duckdb_co_watches import DuckDBCoWatches
from yt8m_models.graph.co_watch_graph import GRAPH
from yt8m_models.program.progress import Progress
from yt8m_models.storage.artifact_dir import array_file

_LOGGER = logging.getLogger(__name__)
_SPILL = ".build_graph"
_SETTINGS = (
    "rule",
    "session_gap_minutes",
    "window_minutes",
    "max_events_per_user",
    "max_pairs_per_window",
    "min_watched_seconds",
    "edge_weights",
    "min_count",
    "min_views",
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
        events_left_out: what `max_events_per_user` leaves out, and of how many users.
        pairs_left_out: what `max_pairs_per_window` leaves out, and of how many watches.
        num_videos: videos in the graph: those in the log with `min_views` watches.
        num_eval: videos in the evaluation partition.
        num_pairs: edges before `min_count`.
        num_edges: edges of the graph.
        num_shown: pairs of a video and one that was shown near it; `None` without impressions.
        num_without_features: videos in the graph that have no features; `None` if not asked for.
        num_not_in_log: videos with features that are not in the graph; `None` if not asked for.
    """

    num_rows: int
    num_watches: int
    num_impressions: int
    num_users: int
    events_left_out: LeftOut
    pairs_left_out: LeftOut
    num_videos: int
    num_eval: int
    num_pairs: int
    num_edges: int
    num_shown: int | None
    num_without_features: int | None
    num_not_in_log: int | None


def build_graph(
    config: BuildGraphConfig, progress: bool = False, spark: Any = None
) -> GraphSummary:
    """Writes the co-watch graph of a log.

    DuckDB works on the log in a database in `config.output_dir`, which is removed at the end, so
    that neither the log nor the pairs need to fit into memory; the ids of the videos do. A cluster
    does the same with `spark`, and the graph is the same to the last byte.

    Args:
        config: the log, what counts, and where the graph goes.
        progress: whether to show it.
        spark: a `SparkSession` whose workers do the work, as of `EngineOptions.session`; `None` for
            this process.

    Raises:
        ValueError: there is no such file, a row is bad (the file and the row are named), the log is
            empty, no edge is left, no video of the log has features where those are given, or the
            directory already holds a graph.
        OSError: there is no room on disk, or Spark cannot finish its work.
    """
    feature_ids = load_features(config.features_dir).ids if config.features_dir else None
    directory = GRAPH.prepare(config.output_dir)
    with _co_watches(config, directory, spark) as tables:
        total = tables.num_files + _NUM_STEPS
        with Progress(total, "steps", "co-watch graph", enabled=progress) as bar:
            num_rows = tables.read(bar)
            bar.update(0, now="numbering the ids")
            ids = tables.number_events()
            without, not_in_log = None, None
            if feature_ids is not None:
                there = f"the features in {config.features_dir}"
                rows = feature_ids.matched_rows(ids, f"the log {config.watch_log}", there)
                without = int(np.count_nonzero(rows == UNKNOWN))
                not_in_log = len(feature_ids) - (len(ids) - without)
            kinds = tables.count_kinds()
            events_left_out, pairs_left_out = LeftOut(0, 0), LeftOut(0, 0)
            if config.max_events_per_user:
                events_left_out = tables.limit_events()
            if config.max_pairs_per_window:
                pairs_left_out = tables.limit_pairs()
            bar.update(1, now="counting pairs")
            num_edges = tables.count_pairs()
            if config.rule == "session" and (num_same := tables.count_same_times()):
                _LOGGER.warning(
                    "%s times a user began several videos at the same time: these follow each "
                    "other in the order of the log",
                    f"{num_same:,}",
                )
            bar.update(1, now="joining impressions")
            if SHOWN in kinds:
                tables.find_shown()
            bar.update(1, now="writing")
            is_eval = are_test(ids, 1 - config.train_fraction, config.seed)
            written = ["neighbors", "weights"]
            offsets = _write(directory, written, tables.directed_edges(), len(ids))
            arrays = {**ids.arrays(), "is_eval": is_eval, "offsets": offsets}
            num_shown = None
            if SHOWN in kinds:
                shown = ["shown_neighbors"]
                arrays["shown_offsets"] = _write(directory, shown, tables.shown_pairs(), len(ids))
                written += shown
                num_shown = int(arrays["shown_offsets"][-1])
            bar.update(1)
        summary = GraphSummary(
            num_rows=num_rows,
            num_watches=kinds.get(WATCH, 0),
            num_impressions=kinds.get(SHOWN, 0),
            num_users=tables.num_users,
            events_left_out=events_left_out,
            pairs_left_out=pairs_left_out,
            num_videos=len(ids),
            num_eval=int(np.count_nonzero(is_eval)),
            num_pairs=tables.count("pairs"),
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
    GRAPH.write(directory, record, arrays, [f"{name}.npy" for name in written])
    return summary


def _co_watches(
    config: BuildGraphConfig, directory: Path, spark: Any
) -> AbstractContextManager[CoWatches]:
    """The co-watches of the log on an engine; gone when their block ends."""
    if spark is None:
        return DuckDBCoWatches.opened(directory / _SPILL, config)
    from yt8m_models.graph.build_graph.spark_co_watches import SparkCoWatches

    return SparkCoWatches.opened(spark, config)


def _write(
    directory: Path, names: Sequence[str], blocks: Iterable[list[np.ndarray]], num_videos: int
) -> np.ndarray:
    """Writes the columns of a table by name, without the first, its rows' rising owners.

    Returns:
        The offsets of the owners' rows.
    """
    degrees = np.zeros(num_videos, np.int64)
    with ExitStack() as stack:
        appends = [stack.enter_context(array_file(directory, name, np.int32)) for name in names]
        for owners, *columns in blocks:
            counts = np.bincount(owners - owners[0])
            degrees[owners[0] : owners[0] + len(counts)] += counts
            for append, column in zip(appends, columns, strict=True):
                append(column)
    return offsets_of(degrees)
