"""The co-watch graph of a log by Spark, on the cores of this machine, over the same by DuckDB."""

import filecmp
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.timing import timed
from benchmarks.watch_data import write_log
from yt8m_models.engines.options import EngineOptions
from yt8m_models.engines.session import require_java
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.program.extras import require

_NUM_ROWS = 5_000_000
_ROWS_A_VIDEO = 10


def figures(workdir: Path, num_rows: int = _NUM_ROWS) -> list[Figure]:
    """Rows a second by session, over DuckDB's; none where PySpark or Java is missing.

    Each engine is in a process of its own and begins with the same Parquet files, of a million rows
    each. The start of Spark's session does not count; it is in the detail.

    Raises:
        ValueError: the graphs differ.
    """
    try:
        require("pyspark", extra="spark")
        require_java()
    except ValueError as error:
        print(f"left out: {error}", file=sys.stderr)
        return []
    write_log(workdir / "log", num_rows, num_rows // _ROWS_A_VIDEO)
    seconds, starts = {}, {}
    for engine in ("local", "spark"):
        starts[engine], seconds[engine] = in_own_process(_seconds, workdir, engine)
    names = sorted(path.name for path in (workdir / "local").glob("*.npy"))
    same, *_ = filecmp.cmpfiles(workdir / "local", workdir / "spark", names, shallow=False)
    if sorted(same) != names:
        raise ValueError(f"Spark and DuckDB differ in {sorted(set(names) - set(same))}")
    detail = {
        "duckdb_rows_per_second": num_rows / seconds["local"],
        "spark_rows_per_second": num_rows / seconds["spark"],
        "spark_start_seconds": starts["spark"],
    }
    name = f"rows/s of the co-watch graph of {num_rows:,} rows by Spark, over DuckDB"
    return [Figure(name, seconds["local"] / seconds["spark"], detail=detail)]


def _seconds(workdir: Path, engine: str) -> tuple[float, float]:
    """Of the session's start, and of building the graph in a directory of the engine's name."""
    config = BuildGraphConfig(
        watch_log=f"{workdir}/log/*.parquet", output_dir=str(workdir / engine)
    )
    with ExitStack() as stack:
        session = EngineOptions(engine).session("benchmark")
        spark, start = timed(lambda: stack.enter_context(session))
        return start, timed(lambda: build_graph(config, spark=spark))[1]
