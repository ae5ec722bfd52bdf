"""Building the table of features of some records or of another table."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger, problems_of_workers
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.quantization import BIAS, SCALE
from yt8m_models.data.record_index import RecordIndex, index_records
from yt8m_models.data.record_reader import BadRecord
from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.features.array_files import place_of, read_table, table_files
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.features.feature_table import FeatureTable, write_features
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.table import TABLE
from yt8m_models.program.progress import Progress

_VIDEOS, _WHOLE_VIDEOS = 1024, 32

Blocks = Iterator[tuple[np.ndarray, np.ndarray]]
Places = Callable[[bytes, Sequence[int]], list[str]]  # where the rows of a repeated id come from


@dataclass(frozen=True)
class FeaturesSummary:
    """What was built.

    Attributes:
        num_videos: videos in the table.
        num_bytes: size of the table on disk; of a frame table, without the records.
        seconds: how long it took.
        num_clipped: values that uint8 could not hold.
        problems: what was left out, as a sentence; `None` where nothing was.
    """

    num_videos: int
    num_bytes: int
    seconds: float
    num_clipped: int
    problems: str | None


def build_features(
    config: BuildFeaturesConfig, data: DataConfig, progress: bool = False, spark: Any = None
) -> FeaturesSummary:
    """Writes the feature table, or the frame table, of the records or of the table of `config`.

    Args:
        config: what to read, and where the table goes.
        data: the features, and the format of records.
        progress: show a progress bar on stderr.
        spark: a `SparkSession` whose workers each read files, as of `EngineOptions.session`; they
            find input and output under the same paths. The rows are in the order of the files, as
            with one reader. `None` for this process.

    Raises:
        ValueError: there is no such input, a record or a value is bad, a video is there twice (the
            message names both places), or the directory already holds features.
        OSError: Spark cannot finish its work.
    """
    _check_flags(config, data)
    start = time.perf_counter()
    files = table_files(config.table) if config.table else match_files(config.data_pattern)
    with Progress(description="features", enabled=progress) as bar:
        if data.frame_features and not config.average_frames:
            clipped, problems = 0, _index(config, data, files, bar, spark)
        elif spark is None:
            clipped, ledger = _read(config, data, files, bar)
            problems = ledger.summary()
        else:
            clipped, problems = _read_spread(config, data, files, bar, spark)
    return FeaturesSummary(
        TABLE.read(config.output_dir)["num_videos"],
        sum(path.stat().st_size for path in Path(config.output_dir).iterdir()),
        time.perf_counter() - start,
        clipped,
        problems,
    )


def _check_flags(config: BuildFeaturesConfig, data: DataConfig) -> None:
    if config.table and data.frame_features:
        raise ValueError("--frame_features is for records; received --table")
    if config.average_frames and not data.frame_features:
        raise ValueError("--average_frames needs --frame_features")
    if data.segment_labels:
        raise ValueError("--segment_labels is of no use here: features are those of whole videos")
    TABLE.prepare(config.output_dir)


def _index(
    config: BuildFeaturesConfig, data: DataConfig, files: list[str], bar: Progress, spark: Any
) -> str | None:
    """Writes a frame table; what was left out."""
    if spark is None:
        ledger = Ledger(config.max_bad_records)
        index = index_records(files, ledger, bar)
    else:
        index, problems = _index_spread(config, data, files, bar, spark)
    _check_ids(index.ids, lambda _, rows: [_place(files, index, row) for row in rows])
    if spark is None:
        if config.max_bad_records:
            index = index.take(_good_rows(index, files, data, ledger))
        problems = ledger.summary()
    if not len(index.ids):
        raise ValueError(f"none of the records can be read\n{problems}")
    table = _frame_table(index, files, data)
    _, first_rows = np.unique(index.file_numbers, return_index=True)
    for start in range(0, len(first_rows), _WHOLE_VIDEOS):
        table.inputs(first_rows[start : start + _WHOLE_VIDEOS])  # are they what `data` says?
    table.save(config.output_dir)
    return problems


def _index_spread(
    config: BuildFeaturesConfig, data: DataConfig, files: list[str], bar: Progress, spark: Any
) -> tuple[RecordIndex, str | None]:
    """The good records of files, each indexed by a worker; and what was left out."""
    work = partial(_index_file, data, config.max_bad_records)
    done = spread(spark, work, [absolute(file) for file in files])
    problems = problems_of_workers(files, [each[1:] for each in done], config.max_bad_records)
    ids, _, numbers, offsets = map(np.concatenate, zip(*(each[0] for each in done), strict=True))
    bar.update(len(ids))
    file_numbers = np.arange(len(files), dtype=np.int32)
    of_rows = np.repeat(file_numbers, [len(index.ids) for index, *_ in done])
    return RecordIndex(ids, of_rows, numbers, offsets), "\n".join(problems) or None


def _index_file(
    data: DataConfig, max_bad_records: int, file: str
) -> tuple[RecordIndex, int, str | None]:
    """What a worker does with a file: its good records, how many are bad, and what was left out."""
    ledger = Ledger(max_bad_records)
    index = index_records([file], ledger)
    if max_bad_records:
        index = index.take(_good_rows(index, [file], data, ledger))
    return index, len(ledger.bad), ledger.summary()


def _good_rows(
    index: RecordIndex, files: list[str], data: DataConfig, ledger: Ledger
) -> np.ndarray:
    """The rows whose records can be read; the others go to the ledger."""
    table = _frame_table(index, files, data)
    is_good = np.ones(len(table), bool)
    rows = np.arange(len(table))
    for start in range(0, len(table), _WHOLE_VIDEOS):
        block = rows[start : start + _WHOLE_VIDEOS]
        try:
            table.inputs(block)
        except ValueError:
            for row in block:
                try:
                    table.inputs(np.array([row]))
                except ValueError as error:
                    is_good[row] = False
                    file = files[index.file_numbers[row]]
                    ledger.add_bad(BadRecord(file, int(index.numbers[row]), str(error)))
    return np.flatnonzero(is_good)


def _frame_table(index: RecordIndex, files: list[str], data: DataConfig) -> FrameTable:
    return FrameTable(VideoIds(index.ids), files, index.file_numbers, index.offsets, data)


def _place(files: list[str], index: RecordIndex, row: int) -> str:
    return f"{files[index.file_numbers[row]]}, record {index.numbers[row]}"


def _read(
    config: BuildFeaturesConfig,
    data: DataConfig,
    files: list[str],
    bar: Progress,
    may_be_empty: bool = False,
) -> tuple[int, Ledger]:
    """Writes a feature table of files; how many values were clipped, and what was left out."""
    if config.table:
        blocks, ledger = read_table(config.table, config.table_ids, data, files), Ledger(0)
    else:
        pipeline = _pipeline(config, data, files, may_be_empty)
        blocks, ledger = _blocks(pipeline, files, data), pipeline.ledger
    return _write(config, data, blocks, _places(config, files), bar), ledger


def _read_spread(
    config: BuildFeaturesConfig, data: DataConfig, files: list[str], bar: Progress, spark: Any
) -> tuple[int, str | None]:
    """As of `_read`, with a part of the table for each file, made by a worker."""
    with tempfile.TemporaryDirectory(prefix=".parts-", dir=absolute(config.output_dir)) as parts:
        there = replace(config, output_dir=parts, table_ids=absolute(config.table_ids))
        work = partial(_read_file, there, data)
        done = spread(spark, work, [absolute(file) for file in files])
        accounts = [(part.num_bad, part.problems) for part in done]
        problems = problems_of_workers(files, accounts, config.max_bad_records)
        if not config.table and not any(part.num_videos for part in done):
            raise ValueError("\n".join([f"no video in {len(files)} files", *problems]))

        def blocks() -> Blocks:
            for part in done:
                if not part.num_videos:
                    continue
                table = FeatureTable.load(part.directory)
                for start in range(0, part.num_videos, _VIDEOS):
                    rows = np.arange(start, min(start + _VIDEOS, part.num_videos))
                    yield table.ids[rows], table.inputs(rows)["video_matrix"]

        num_clipped = sum(part.num_clipped for part in done)
        places = _places(config, files)
        num_clipped = _write(config, data, blocks(), places, bar, num_clipped)
    return num_clipped, "\n".join(problems) or None


class _Part(NamedTuple):
    """What a worker made of a file: a table in a directory, and what it found."""

    directory: str
    num_videos: int
    num_clipped: int
    num_bad: int
    problems: str | None


def _read_file(config: BuildFeaturesConfig, data: DataConfig, file: str) -> _Part:
    """What a worker does with a file; where it is done again, in a directory of its own."""
    config = replace(config, output_dir=tempfile.mkdtemp(dir=config.output_dir))
    bar = Progress(enabled=False)
    num_clipped, ledger = _read(config, data, [file], bar, may_be_empty=True)
    return _Part(
        config.output_dir,
        TABLE.read(config.output_dir)["num_videos"],
        num_clipped,
        len(ledger.bad),
        ledger.summary(),
    )


def _pipeline(
    config: BuildFeaturesConfig, data: DataConfig, files: list[str], may_be_empty: bool
) -> Pipeline:
    options = PipelineOptions(
        batch_size=_WHOLE_VIDEOS if data.frame_features else _VIDEOS,
        num_readers=config.num_readers,
        skip_empty_videos=True,
        max_bad_records=config.max_bad_records,
        may_be_empty=may_be_empty,
    )
    return Pipeline(files, data, options)


def _blocks(pipeline: Pipeline, files: list[str], data: DataConfig) -> Blocks:
    """The ids and features of records."""
    for batch in pipeline:
        matrix = batch["video_matrix"].numpy()
        if data.frame_features:
            matrix = _means(matrix, batch["num_frames"].numpy())
        try:
            yield as_bytes(batch["video_ids"].numpy()), matrix
        except ValueError:
            index_records(files, Ledger())  # says which record has such an id
            raise


def _places(config: BuildFeaturesConfig, files: list[str]) -> Places:
    if config.table:
        return lambda _, rows: [place_of(files, row) for row in rows]

    def places(video_id: bytes, rows: Sequence[int]) -> list[str]:
        # A record without an id is an error of its own, which names it.
        index = index_records(files, Ledger(sys.maxsize if video_id else 0))
        there = np.flatnonzero(index.ids == video_id)
        return [_place(files, index, row) for row in there[:2]]

    return places


def _means(frames: np.ndarray, num_frames: np.ndarray) -> np.ndarray:
    """The mean of the dequantised frames of each video: uint8 `(n, T, D)` to float32 `(n, D)`."""
    sums = frames.sum(axis=1, dtype=np.int64)  # padding is 0
    return (sums / num_frames[:, None] * SCALE + BIAS).astype(np.float32)


def _write(
    config: BuildFeaturesConfig,
    data: DataConfig,
    blocks: Blocks,
    places: Places,
    bar: Progress,
    num_clipped: int = 0,
) -> int:
    """Writes a feature table of ids and features; how many values were clipped."""

    def different() -> Blocks:
        all_ids = [as_bytes([])]
        for ids, features in blocks:
            yield ids, features
            all_ids.append(ids)
            bar.update(len(ids))
        _check_ids(np.concatenate(all_ids), places)

    dtype = config.dtype or ("float32" if config.table else "uint8")
    names, sizes = data.feature_names, data.feature_sizes
    return write_features(config.output_dir, different(), names, sizes, dtype, num_clipped)


def _check_ids(ids: np.ndarray, places: Places) -> None:
    """Raises a `ValueError` where a row has no id or that of another row, and says where."""
    order = np.argsort(ids, kind="stable")
    if len(ids) and not ids[order[0]]:
        raise ValueError(f"a video has no id: {places(b'', order[:1].tolist())[0]}")
    repeated = np.flatnonzero(ids[order[1:]] == ids[order[:-1]])
    if len(repeated):
        rows = order[repeated[0] : repeated[0] + 2].tolist()
        name = ids[rows[0]].decode(errors="replace")
        where = "; and ".join(places(ids[rows[0]], rows))
        raise ValueError(f"video {name!r} is there twice: {where}")
