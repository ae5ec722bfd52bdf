"""The files of a log as a Spark cluster reads them: each by a worker, by `WatchLog`.

Local paths are those of a file system that all workers see. Others, such as `s3a://`, `gs://` and
`hdfs://`, are found and read by Spark, which hands each file whole to the worker.
"""

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from yt8m_models.data.patterns import match_files
from yt8m_models.graph import watch_log
from yt8m_models.graph.build_graph.co_watches import columns_needed, logged_values
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.engine import engine
from yt8m_models.graph.watch_log import IMPRESSION, WatchLog
from yt8m_models.storage.filesystems import scheme

ROWS = "user_id string, video_id string, time bigint, kind tinyint, place bigint, error string"
FIRST_TIME = "number double, error string"

_BINARY = "binaryFile"
_PLACES_OF_FILE = 1 << 40  # rows that a file may have


@dataclass(frozen=True)
class LogFiles:
    """Finds the files of a log, and gives them to the workers.

    Args:
        spark: the session.
        pattern: of the log.

    Attributes:
        paths: all files, in the order of their parts of the pattern and sorted within each.

    Raises:
        ValueError: as of `match_files`.
    """

    spark: Any
    pattern: str
    paths: list[str] = field(init=False)

    def __post_init__(self) -> None:
        parts = [part.strip() for part in self.pattern.split(",")]
        found = [path for part in parts if part for path in self._matching(part)]
        if not found:
            raise ValueError(f"the data pattern {self.pattern!r} names no file")
        object.__setattr__(self, "paths", list(dict.fromkeys(found)))

    def table(self, paths: Sequence[str]) -> Any:
        """A DataFrame of the `path` and the `content` of files, null where the path is local."""
        local = [(os.path.abspath(path), None) for path in paths if not scheme(path)]
        others = [path for path in paths if scheme(path)]
        context = self.spark.sparkContext
        rows = context.parallelize(local, max(len(local), 1))
        table = self.spark.createDataFrame(rows, "path string, content binary")
        if others:
            contents = self.spark.read.format(_BINARY).load(list(map(_literal, others)))
            table = table.union(contents.select("path", "content"))
        return table

    def _matching(self, part: str) -> list[str]:
        if part.startswith("@") or not scheme(part):
            return match_files(part)
        rows = self.spark.read.format(_BINARY).load(part).select("path").collect()
        if not rows:
            raise ValueError(f"no file matches {part!r}")
        return sorted(_with_slashes(row.path) for row in rows)


@dataclass(frozen=True)
class LogReader:
    """What a worker does with files of `LogFiles.table`; `mapInArrow` calls a method of it.

    Args:
        config: how the files call their columns, and what counts as watched.
        paths: all files of the log.
        first_time: as of `WatchLog`.

    An error of a file is a row too: it would be the same however often it is tried.
    """

    config: BuildGraphConfig
    paths: Sequence[str]
    first_time: tuple[float, str] | None = None

    def first_times(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A number among the first times of each file, as `FIRST_TIME`."""
        for _, path, content in self._files(batches):
            number, message = 0.0, None
            try:
                with self._opened(path, content) as log:
                    number = log.first_time[0]
            except ValueError as error:
                message = str(error)
            rows = {"number": [number], "error": pa.array([message], pa.string())}
            yield pa.RecordBatch.from_pydict(rows)

    def rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of each file, as `ROWS`."""
        for number, path, content in self._files(batches):
            place = number - len(self.paths)  # all files must open before a row matters
            try:
                with self._opened(path, content) as log:
                    place = number * _PLACES_OF_FILE
                    for block in log.blocks(logged_values(self.config)):
                        places = range(place, place := place + len(block))
                        table = pa.Table.from_pandas(block, _LOGGED, preserve_index=False)
                        table = table.append_column("place", pa.array(places, pa.int64()))
                        nulls = pa.nulls(len(block), pa.string())
                        yield from table.append_column("error", nulls).to_batches()
            except ValueError as error:
                row = {name: None for name in _LOGGED.names}
                yield pa.RecordBatch.from_pylist(
                    [row | {"place": place, "error": str(error)}], _ROWS
                )

    def _files(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, str, bytes | None]]:
        """Of each file its number among all, its path as the log is named, and its content."""
        places = {
            path if scheme(path) else os.path.abspath(path): place
            for place, path in enumerate(self.paths)
        }
        for batch in batches:
            for row in batch.to_pylist():
                place = places[_with_slashes(row["path"])]
                yield place, self.paths[place], row["content"]

    @contextlib.contextmanager
    def _opened(self, path: str, content: bytes | None) -> Iterator[WatchLog]:
        """The log of one file. Errors name the file, also where the content is in a copy of it."""
        logging.getLogger(watch_log.__name__).setLevel(logging.ERROR)  # warnings are the driver's
        with tempfile.TemporaryDirectory() as directory:
            here = os.path.abspath(path)
            if content is not None:
                here = os.path.join(directory, os.path.basename(path))
                Path(here).write_bytes(content)
            work = Path(directory, "log")
            try:
                with engine(work, self.config.memory_limit) as connection:
                    connection.execute("SET threads = 1")  # others have the other cores
                    yield WatchLog(
                        connection,
                        work,
                        self.config,
                        columns_needed(self.config),
                        [IMPRESSION],
                        [here],
                        self.first_time,
                    )
            except ValueError as error:
                raise ValueError(str(error).replace(here, path)) from error


def _with_slashes(path: str) -> str:
    """A path of Spark as people write it: `file:/a` is `file:///a`."""
    return re.sub("^file:/(?!/)", "file:///", path)


def _literal(path: str) -> str:
    """A pattern of Hadoop that matches this path alone."""
    return "".join(f"\\{each}" if each in "\\*?[]{},^" else each for each in path)


_LOGGED = pa.schema(
    {"user_id": pa.string(), "video_id": pa.string(), "time": pa.int64(), "kind": pa.int8()}
)
_ROWS = _LOGGED.append(pa.field("place", pa.int64())).append(pa.field("error", pa.string()))
