"""The co-watch graph of Spark is that of DuckDB, to the last byte."""

import gzip

import numpy as np
import pytest

from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig

pytest.importorskip("pyspark", reason="needs the extra `spark`")

from yt8m_models.graph.build_graph.spark_co_watches import SparkCoWatches

HEADER = "user_id,video_id,timestamp,watched_seconds,impression\n"


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Three files: users with many events and with few, hot videos, equal times, impressions."""
    directory = tmp_path_factory.mktemp("logs")
    rng = np.random.default_rng(0)
    for part in range(3):
        rows = []
        for _ in range(500):
            user = "bot" if rng.random() < 0.4 else f"u{rng.zipf(1.5) % 50}é"
            video = f"v{min(rng.zipf(1.3), 80):03}"
            time = 10_000_000_000_000 + 10_000 * int(rng.integers(-5, 300))
            rows.append(f"{user},{video},{time},{rng.integers(50)},{int(rng.random() < 0.2)}")
        (directory / f"{part} [1].csv").write_text(HEADER + "\n".join(rows) + "\n")
    packed = gzip.compress((directory / "2 [1].csv").read_bytes())
    (directory / "2 [1].csv").unlink()
    (directory / "2 [1].csv.gz").write_bytes(packed)
    return directory


@pytest.fixture
def plans(monkeypatch):
    """How Spark makes each table, by its name."""
    found = {}
    create = SparkCoWatches._create

    def planned(self, name, query):
        found[name] = self._spark.sql(query)._jdf.queryExecution().executedPlan().toString()
        create(self, name, query)

    monkeypatch.setattr(SparkCoWatches, "_create", planned)
    return found


def contents(directory):
    assert not list(directory.glob(".*"))
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("", {"rule": "session", "session_gap_minutes": 1}),
        (
            "file://",
            {
                "rule": "valid_watch",
                "window_minutes": 3,
                "edge_weights": "events",
                "min_views": 3,
                "min_count": 2,
                "min_watched_seconds": 5,
                "max_events_per_user": 200,
                "max_pairs_per_window": 4,
            },
        ),
    ],
)
def test_both_engines_write_the_same_bytes(spark, logs, tmp_path, warned, plans, scheme, options):
    found = {}
    for name, session, prefix in (("duckdb", None, ""), ("spark", spark, scheme)):
        config = BuildGraphConfig(
            watch_log=f"{prefix}{logs}/*", output_dir=str(tmp_path / name), **options
        )
        summary = build_graph(config, spark=session)
        files = contents(tmp_path / name)
        warnings = [line.replace(f"{scheme}{logs}", str(logs)) for line in warned()]
        found[name] = summary, files, warnings
    assert found["spark"] == found["duckdb"]
    summary, files, warnings = found["spark"]
    assert len(files) == 11
    assert summary.num_edges > 100
    assert summary.num_shown > 100
    assert any("is taken for milliseconds" in line for line in warnings)
    if "max_events_per_user" in options:
        assert summary.events_left_out.number > 100
        assert summary.pairs_left_out.number > 100
    # counts begin where the rows are: a pair that all users watch is no task of one worker
    assert "partial_count" in plans["pairs"]
    assert not spark.catalog.listTables()  # the session of the caller has no views of ours


def test_bad_logs_have_the_same_errors(spark, logs, tmp_path):
    bad = logs.parent / "bad"
    bad.mkdir()
    (bad / "a.csv").write_text(f"{HEADER}u,v,1,9,0\n")
    (bad / "b.csv").write_text(f"{HEADER}u,v,1,9,0\nu,,2,9,0\n")
    (bad / "c.csv").write_text("user_id,video_id\nu,v\n")
    (bad / "d.csv").write_text(HEADER)
    for names, message in (
        ("ab", r"b\.csv, row 2: video_id must not be empty.*; received nothing"),
        ("bc", r"c\.csv lacks the column timestamp; it has user_id, video_id"),
        ("d", r"the watch log is empty: there are no rows in .*d\.csv"),
    ):
        log = ",".join(f"{bad}/{name}.csv" for name in names)
        errors = []
        for session in (None, spark):
            config = BuildGraphConfig(
                watch_log=log, output_dir=str(tmp_path / "graph"), time_unit="s"
            )
            with pytest.raises(ValueError, match=message) as raised:
                build_graph(config, spark=session)
            errors.append(str(raised.value))
        assert errors[0] == errors[1]
    config = BuildGraphConfig(watch_log=f"file://{bad}/none*", output_dir=str(tmp_path / "graph"))
    with pytest.raises((ValueError, OSError), match=r"none\*"):
        build_graph(config, spark=spark)
