"""The co-watches of a log in a DuckDB database: on one machine, beyond its memory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.graph.build_graph.co_watches import (
    CoWatches,
    columns_needed,
    logged_values,
    no_rows,
)
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.engine import engine
from yt8m_models.graph.watch_log import IMPRESSION, WatchLog
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress

_VECTORS = 512  # of 2,048 rows each, in a block of a result
_PARTS = 64  # of the pairs, where memory does not suffice for all of them at once


class DuckDBCoWatches(CoWatches):
    """The tables of `CoWatches` in a database, with numbers for users.

    Args:
        connection: of the engine.
        directory: as of `WatchLog`.
        config: the log, and what counts as watched together.

    Raises:
        ValueError: as of `WatchLog`.
    """

    def __init__(self, connection: Any, directory: Path, config: BuildGraphConfig) -> None:
        super().__init__(config)
        self._connection = connection
        self._log = WatchLog(connection, directory, config, columns_needed(config), [IMPRESSION])
        self.num_files = len(self._log.paths)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, directory: Path, config: BuildGraphConfig) -> Iterator["DuckDBCoWatches"]:
        """The co-watches in a database in `directory`, as of `engine`."""
        with engine(directory, config.memory_limit) as connection:
            yield cls(connection, directory, config)

    def read(self, bar: Progress) -> int:
        """Makes the table `log`, whose rows, and so their numbers `rowid`, are in order."""
        self._connection.execute(
            "CREATE TABLE log (user_id VARCHAR, video_id VARCHAR, time BIGINT, kind TINYINT)"
        )
        num_rows = 0
        for inserted in self._log.blocks(logged_values(self._config), into="INSERT INTO log"):
            num_rows += int(inserted.iloc[0, 0])
            bar.update(rows=num_rows)
        self._connection.execute("SET preserve_insertion_order = false")  # no table needs it
        if not num_rows:
            raise no_rows(", ".join(self._log.paths))
        return num_rows

    def _make_events(self) -> None:
        self._create(
            "users",
            "SELECT user_id, CAST(row_number() OVER () - 1 AS INTEGER) AS user "
            "FROM (SELECT DISTINCT user_id FROM log)",
        )
        self._create(
            "events",
            "SELECT user, video, time, kind, log.rowid AS place "
            "FROM log JOIN videos USING (video_id) JOIN users USING (user_id)",
        )
        self.num_users = self.count("users")

    def _make_pairs(self, co_watches: str) -> None:
        try:
            super()._make_pairs(co_watches)
        except require("duckdb").OutOfMemoryException:
            self._make_pairs_in_parts(co_watches)

    def _make_pairs_in_parts(self, co_watches: str) -> None:
        """The same with the co-watches on disk, and one part of the pairs after the other."""
        self._create("co_watches", co_watches)
        parts = (f"co_watches WHERE hash(a, b) % {_PARTS} = {part}" for part in range(_PARTS))
        self._create("pairs", self._weights(next(parts)))
        for part in parts:
            self._connection.execute(f"INSERT INTO pairs {self._weights(part)}")
        self._drop("co_watches")

    def _create(self, name: str, query: str) -> None:
        self._connection.execute(f"CREATE TABLE {name} AS {query}")

    def _replace(self, name: str, other: str) -> None:
        self._drop(name)
        self._connection.execute(f"ALTER TABLE {other} RENAME TO {name}")

    def _drop(self, name: str) -> None:
        self._connection.execute(f"DROP TABLE {name}")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(query).fetchall()
        return rows

    def _blocks(self, query: str) -> Iterator[list[np.ndarray]]:
        rows = self._connection.execute(query)
        while len(block := rows.fetch_df_chunk(_VECTORS)):
            yield [block[name].to_numpy() for name in block]
