"""Building the co-watch graph of a log, in rows a second, over the same by plain pandas."""

import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.figure import Figure
from benchmarks.timing import in_turn
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.co_watch_graph import CoWatchGraph

_ROWS_A_USER = 50
_SESSION = 10
_GAP = _WINDOW = 30 * 60
_ROUNDS = 3


def figures(workdir: Path) -> list[Figure]:
    """Rows a second by each rule, over pandas: a CSV of 1,000,000 rows, of 200,000 for valid_watch.

    Both begin with the file. Pandas ends with the edges in memory; ours are on disk, in both
    directions and sorted. Each user has 50 rows in sessions of 10; the self-join of pandas on
    users is why the second log is smaller.

    Raises:
        ValueError: the two disagree on an edge, so that a comparison of their speed would mean
            nothing.
    """
    return [
        _figure(workdir, "session", _sessions_by_pandas, 1_000_000, bound=1.0),
        _figure(workdir, "valid_watch", _valid_watches_by_pandas, 200_000, bound=2.0),
    ]


def _figure(
    workdir: Path,
    rule: str,
    by_pandas: Callable[[pd.DataFrame], pd.Series],
    num_rows: int,
    bound: float,
) -> Figure:
    log = workdir / f"{rule}.csv"
    _write_log(log, num_rows)
    directories = [workdir / f"{rule}-{number}" for number in range(_ROUNDS)]
    unused = iter(directories)

    def build() -> None:
        build_graph(BuildGraphConfig(watch_log=str(log), output_dir=str(next(unused)), rule=rule))

    measured = in_turn(_ROUNDS, build, lambda: by_pandas(pd.read_csv(log)), warm_up=False)
    seconds, pandas_seconds = map(statistics.median, measured)
    _check_same(CoWatchGraph.load(directories[-1]), by_pandas(pd.read_csv(log)))
    detail = {
        "rows_per_second": num_rows / seconds,
        "pandas_rows_per_second": num_rows / pandas_seconds,
    }
    name = f"rows/s of the co-watch graph by {rule}, over pandas"
    return Figure(name, pandas_seconds / seconds, bound, detail=detail)


def _write_log(path: Path, num_rows: int) -> None:
    """A log in a random order, in which some videos are watched much more often than others."""
    rng = np.random.default_rng(0)
    row = np.arange(num_rows)
    sessions = rng.integers(10_000_000, size=-(-num_rows // _SESSION))
    videos = (num_rows // 20 * rng.random(num_rows) ** 3).astype(int)
    log = pd.DataFrame(
        {
            "user_id": np.char.mod("u%08d", row // _ROWS_A_USER),
            "video_id": np.char.mod("v%08d", videos),
            "timestamp": sessions[row // _SESSION]
            + 200 * (row % _SESSION)
            + rng.integers(150, size=num_rows),
        }
    )
    log.iloc[rng.permutation(num_rows)].to_csv(path, index=False)


def _sessions_by_pandas(log: pd.DataFrame) -> pd.Series:
    log = log.sort_values(["user_id", "timestamp", "video_id"])
    before = log.groupby("user_id")[["video_id", "timestamp"]].shift()
    is_near = log["timestamp"] - before["timestamp"] <= _GAP
    return _count(log["user_id"][is_near], log["video_id"][is_near], before["video_id"][is_near])


def _valid_watches_by_pandas(log: pd.DataFrame) -> pd.Series:
    pairs = log.merge(log, on="user_id")
    pairs = pairs[(pairs["timestamp_x"] - pairs["timestamp_y"]).abs() <= _WINDOW]
    return _count(pairs["user_id"], pairs["video_id_x"], pairs["video_id_y"])


def _count(users: pd.Series, videos: pd.Series, others: pd.Series) -> pd.Series:
    """The number of users of each pair of two videos, by their ids."""
    in_order = videos < others
    pairs = pd.DataFrame(
        {"user_id": users, "a": videos.where(in_order, others), "b": others.where(in_order, videos)}
    )
    pairs = pairs[pairs["a"] != pairs["b"]].drop_duplicates()
    return pairs.groupby(["a", "b"]).size()


def _check_same(graph: CoWatchGraph, expected: pd.Series) -> None:
    rows, others = (
        graph.ids.rows(expected.index.get_level_values(name).tolist()) for name in ("a", "b")
    )
    order = np.lexsort((others, rows))
    owners = np.repeat(np.arange(len(graph)), np.diff(graph.offsets))
    once = owners < graph.neighbors
    received = np.stack([owners[once], graph.neighbors[once], graph.weights[once]])
    wanted = np.stack([rows[order], others[order], expected.to_numpy()[order]])
    if not np.array_equal(received, wanted):
        raise ValueError(
            f"the graph has {graph.num_edges} edges, and pandas found {len(expected)}; they differ"
        )
