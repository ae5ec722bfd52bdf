"""The co-watches of a log on a Spark cluster."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from yt8m_models.engines.session import reporting_errors
from yt8m_models.graph.build_graph.co_watches import CoWatches, no_rows
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.build_graph.log_files import FIRST_TIME, ROWS, LogFiles, LogReader
from yt8m_models.graph.watch_log import warn_of_time_unit
from yt8m_models.graph.watch_log_options import AUTO
from yt8m_models.program.progress import Progress


class SparkCoWatches(CoWatches):
    """The tables of `CoWatches` as views of a session, kept in memory and on disks of the workers.

    A table that a lost worker had is made again, with the same rows: the place of each row of the
    log says its file and its row there, the numbers of videos follow from their ids, and users stay
    what the log calls them. Counts are begun where their rows are and added up afterwards, so that
    a video that all watch costs no single worker more than others; Spark splits what is left of the
    skew in joins (`spark.sql.adaptive.skewJoin`).

    Args:
        spark: the session; views are made in one beside it.
        config: the log, and what counts as watched together.

    Raises:
        ValueError: as of `LogFiles`; or a file lacks a column.
    """

    def __init__(self, spark: Any, config: BuildGraphConfig) -> None:
        super().__init__(config)
        self._spark = spark.newSession()
        self._tables: dict[str, Any] = {}
        self._files = LogFiles(self._spark, config.watch_log)
        self.num_files = len(self._files.paths)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, spark: Any, config: BuildGraphConfig) -> Iterator["SparkCoWatches"]:
        """The co-watches on a cluster, which forgets them when the block ends.

        Raises:
            OSError: Spark cannot finish its work.
        """
        with reporting_errors():
            co_watches = cls(spark, config)
            try:
                yield co_watches
            finally:
                for name in list(co_watches._tables):
                    co_watches._drop(name)

    def read(self, bar: Progress) -> int:
        reader = LogReader(self._config, self._files.paths, self._first_time())
        rows = self._files.table(self._files.paths).mapInArrow(reader.rows, ROWS)
        self._keep("log", rows)
        [(num_rows, error)] = self._rows(
            "SELECT count(*) FILTER (WHERE error IS NULL), min_by(error, place) "
            "FILTER (WHERE error IS NOT NULL) FROM log"
        )
        if error:
            raise ValueError(error)
        bar.update(self.num_files, rows=num_rows)
        if not num_rows:
            raise no_rows(", ".join(self._files.paths))
        return int(num_rows)

    def _first_time(self) -> tuple[float, str]:
        """As of `WatchLog`, of all files."""
        reader = LogReader(self._config, self._files.paths)
        for path in self._files.paths if self._config.time_unit == AUTO else ():
            [found] = self._files.table([path]).mapInArrow(reader.first_times, FIRST_TIME).collect()
            if found.error:
                raise ValueError(found.error)
            if found.number:
                warn_of_time_unit(self._config, found.number, path)
                return found.number, path
        return 0.0, ""

    def _make_events(self) -> None:
        self._create(
            "events",
            "SELECT user_id AS user, video, time, kind, place "
            "FROM log JOIN videos USING (video_id)",
        )
        self.num_users = self.count("(SELECT DISTINCT user FROM events)")

    def _create(self, name: str, query: str) -> None:
        self._keep(name, self._spark.sql(query))

    def _keep(self, name: str, table: Any) -> None:
        self._tables[name] = table.persist()
        table.createOrReplaceTempView(name)

    def _replace(self, name: str, other: str) -> None:
        self.count(other)  # makes it of what goes now
        self._drop(name)
        self._keep(name, self._tables.pop(other))

    def _drop(self, name: str) -> None:
        self._tables.pop(name).unpersist()

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._spark.sql(query).collect()]

    def _blocks(self, query: str) -> Iterator[list[np.ndarray]]:
        packed = self._spark.sql(query).mapInArrow(_packed, "block binary")
        for row in packed.toLocalIterator(prefetchPartitions=True):
            with pa.ipc.open_stream(row.block) as stream:
                for batch in stream:
                    yield [column.to_numpy(zero_copy_only=False) for column in batch.columns]


def _packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as a value of one row, since Spark hands rows to Python one by one."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"block": [sink.getvalue().to_pybytes()]})
