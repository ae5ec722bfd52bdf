"""Peak memory of the programs from a watch log to recommendations, on ten times as much input."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.collaborative_scaling import STEPS, Step, make_small, measured
from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.watch_data import video_name, write_log, write_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EmbeddingsWriter
from yt8m_models.program.extras import require
from yt8m_models.retrieval.index import Index

_LIMIT_MB = 200
_FACTOR = 10
_SIZES = (1024, 128)
_NETWORK = {"fusion": "early", "hidden_size": 256, "embedding_size": 256}
_USER_WIDTH, _ROW_BYTES, _ROWS_A_USER = 128, 154, 200
_EMBEDDING_SIZE = 256
_FEW, _FEW_SIZE = 10_000, 16
_NUM_QUERIES = 200

_LOG = {"watch_log": "{at}/log.csv", "memory_limit": f"{_LIMIT_MB}MB"}
# What differs from other runs: the log and its limit, and how much is held at a time.
_CHANGES: dict[str, dict[str, Any]] = {
    "build-graph": _LOG,
    "build-features": {"dtype": "float32"},
    "embed": {"shard_size": 4096},
    "build-index, exact": {"embeddings_dir": "{at}/many"},
    "search, exact": {},
    "recommend": {**_LOG, "index_dir": "{at}/few_index", "top_k": 1},
    "glmix": {**_LOG, "embeddings_dir": "{at}/few"},
    "evaluate-retrieval": {"embeddings_dirs": "many={at}/many", "max_queries": 50},
}


def figures(workdir: Path, scale: float = 1.0) -> list[Figure]:
    """MB above those of a process that has done the same with few videos, one figure a program.

    Programs that read the log have `--memory_limit=200MB`, and others hold blocks, whatever the
    input, so that there is no limit to set. All have the same bound, and ten times as much of a log
    in CSV, of records, of features as float32, of embeddings and of an index.
    `embed` holds a shard, here of 4,096 videos; `search` the scores of 200 queries with a block,
    and `evaluate-retrieval` those of 50 with all candidates. Pages of mapped files do not count.

    Args:
        workdir: for all of it.
        scale: another size of the inputs; the bounds stay.
    """
    num_rows = int(scale * _FACTOR * _LIMIT_MB * 1e6 / _ROW_BYTES)
    num_videos = int(scale * _FACTOR * _LIMIT_MB * 1e6 / 4 / sum(_SIZES))
    num_embeddings = int(scale * _FACTOR * _LIMIT_MB * 1e6 / 4 / _EMBEDDING_SIZE)
    small, large = workdir / "small", workdir / "large"
    small.mkdir()
    large.mkdir()
    in_own_process(make_small, small, _NETWORK)
    # Not of more videos: their ids are what stays in memory, beside the engine.
    in_own_process(write_log, large / "log", num_rows, num_videos // 2, _ROWS_A_USER)
    in_own_process(write_records, large / "records", num_videos, _SIZES)
    queries = (f"{video_name(number)}\n" for number in range(_NUM_QUERIES))
    (large / "queries").write_text("".join(queries))
    for directory, count in ((small, _FEW), (large, num_embeddings)):
        in_own_process(_make_more, directory, count)
    sizes = {"videos": num_videos, "rows": num_rows, "users": num_rows // _ROWS_A_USER}
    return [
        _figure(replace(step, flags={**step.flags, **_CHANGES[step.part]}), small, large, sizes)
        for step in STEPS
        if step.part in _CHANGES
    ]


def _figure(step: Step, small: Path, large: Path, sizes: dict[str, int]) -> Figure:
    point = in_own_process(measured, step, large, small, sizes)
    inputs = [_bytes(path) for path in large.iterdir() if path.stem in step.takes]
    return Figure(
        f"peak memory of {step.program}, on {max(inputs) / 1e6:,.0f} MB",
        point.megabytes or 0.0,
        _LIMIT_MB,
        "MB",
        at_most=True,
        detail={"seconds": point.seconds},
    )


def _bytes(path: Path) -> int:
    return sum(each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file())


def _make_more(directory: Path, count: int) -> None:
    """The log as CSV with longer ids of users, and embeddings of many videos and of a few."""
    with require("duckdb").connect() as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (lpad(user_id, {_USER_WIDTH}, 'u') AS user_id) "
            f"FROM '{directory}/log/*.parquet') TO '{directory}/log.csv'"
        )
    rng = np.random.default_rng(0)
    ids = VideoIds([video_name(number) for number in range(count)])
    writer = EmbeddingsWriter(directory / "many", ids, "many", _EMBEDDING_SIZE)
    for shard in writer.pending:
        shape = (len(writer.rows(shard)), _EMBEDDING_SIZE)
        writer.write(shard, rng.standard_normal(shape, np.float32))
    writer.finish()
    names = [video_name(number) for number in range(_FEW)]
    vectors = rng.standard_normal((_FEW, _FEW_SIZE), np.float32)
    few = Embeddings.write(directory / "few", names, vectors, "few")
    Index.write(directory / "few_index", few)
