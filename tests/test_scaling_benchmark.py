"""How the cost grows: points, their law, table and plot, and the programs from a watch log on."""

import json
import shutil

import duckdb
import numpy as np
import pytest
import tensorflow as tf
from matplotlib import image

from benchmarks import collaborative_scaling, scaling
from benchmarks.collaborative_scaling import STEPS, CollaborativeConfig, planned
from benchmarks.point import Point, law, plan, plot, table
from benchmarks.process import private_peak_mb
from benchmarks.watch_data import write_log, write_records
from yt8m_models.data.records import video_record

PROGRAMS = ",".join(collaborative_scaling.PARTS)


def test_the_law_of_the_three_largest_sizes():
    """The smallest takes a second whatever its size; the others 3e-6 · n^1.25."""
    points = [Point("a", "videos", 10, 1.0)]
    points += [Point("a", "videos", size, 3e-6 * size**1.25) for size in (10**6, 10**4, 10**5)]
    assert law(points) == pytest.approx((3e-6, 1.25))
    with pytest.raises(ValueError, match="points must have at least two sizes; received 1"):
        law(points[:1])


def test_how_the_cost_grows_as_a_table_and_a_plot(tmp_path):
    points = [
        Point("search, exact", "videos", 100_000, 123.4, 1999.6, 2_000_000, 1000, "queries"),
        Point("pipeline", "shards", 1, 0.5),
        Point("search, exact", "videos", 10_000, 12.34, 20.4, 20_000, 1000, "queries"),
    ]
    assert table(points).splitlines() == [
        "| measured | over | seconds | MB | MB on disk | b | at the largest |",
        "|---|---|---|---|---|---|---|",
        "| search, exact | videos 10,000 · 100,000 | 12 · 120 | 20 · 2,000 | 0.02 · 2 | 1.00 "
        "| 8.1 queries/s, 120,000 s a million |",
        "| pipeline | shards 1 | 0.5 |  |  |  |  |",
    ]
    plot(points, tmp_path / "scaling.png")
    height, width, _ = image.imread(tmp_path / "scaling.png").shape
    assert (width, height) == (640, 280)


def test_a_plan_goes_on_by_the_law():
    """36 s · 100^1.5 are 10 h; what grows more slowly than its size is taken to grow like it."""
    points = [Point("steep", "videos", size, 36 * (size / 10**4) ** 1.5) for size in (10**3, 10**4)]
    points += [Point("flat", "videos", size, 36.0) for size in (10**3, 10**4)]
    points += [Point("one size", "videos", 10, 1.0), Point("other", "shards", 1, 1.0)]
    assert plan(points, {"videos": 10**6}).splitlines()[2:] == [
        "| steep | 1,000,000 videos | 36 s · (1,000,000 / 10,000)^1.50 / 3,600 | 10 |",
        "| flat | 1,000,000 videos | 36 s · (1,000,000 / 10,000)^1.00 / 3,600 | 1 |",
    ]


def test_memory_that_is_of_no_file(tmp_path):
    """A hundred million ones of its own, and as many bytes of a file that is mapped and read."""
    (tmp_path / "ones").write_bytes(bytes(100_000_000))

    def touch():
        mapped = np.memmap(tmp_path / "ones", mode="r")
        return np.ones(100_000_000, np.uint8), int(mapped.sum())

    (ones, total), megabytes = private_peak_mb(touch)
    assert (len(ones), total) == (100_000_000, 0)
    assert 95 < megabytes < 150


def test_a_step_is_repeated_for_those_that_take_what_it_made():
    by_part = {step.part: step for step in STEPS}
    search = by_part["search, 4 bits"]
    parts = ["build-features", "embed", "build-index, 4 bits", "search, 4 bits"]
    assert [step.part for step in planned([search], {"records"})] == parts
    assert [step.part for step in planned([search], {"embeddings"})] == parts[2:]
    assert planned([search], {"four_bits"}) == [search]
    assert [step.part for step in planned(STEPS, set())] == list(by_part)


def test_a_made_watch_log(tmp_path):
    """Users all watch, some much more often; videos by Zipf's law: the first has 1 / log2(n)."""
    write_log(tmp_path / "log", 100_000, 1024)
    log = duckdb.read_parquet(f"{tmp_path}/log/*.parquet")
    users = duckdb.sql("SELECT count(*) AS n FROM log GROUP BY user_id ORDER BY n DESC").fetchall()
    videos = duckdb.sql(
        "SELECT count(*) AS n FROM log GROUP BY video_id ORDER BY n DESC"
    ).fetchall()
    assert (len(log), len(users)) == (100_000, 5000)
    assert users[0][0] > 200
    assert users[-1][0] == 8
    assert videos[0][0] == pytest.approx(10_000, rel=0.05)
    assert 900 < len(videos) <= 1023
    ((names,),) = duckdb.sql("SELECT max(video_id) FROM log").fetchall()
    assert "v00000900" < names < "v00001024"


def test_made_records(tmp_path):
    """Made at once, they are those that are made one by one; all differ."""
    write_records(tmp_path / "records", 2100, (8, 4))
    (path,) = (tmp_path / "records").iterdir()
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(path))]
    assert len(set(records)) == 2100
    features = tf.train.Example.FromString(records[2099]).features.feature
    assert features["id"].bytes_list.value == [b"v00002099"]
    means = {name: features[name].float_list.value for name in ("mean_rgb", "mean_audio")}
    assert (len(means["mean_rgb"]), len(means["mean_audio"])) == (8, 4)
    arrays = {name: np.array(values, np.float32) for name, values in means.items()}
    assert video_record(b"v00002099", [0], arrays) == records[2099]
    of_topic = tf.train.Example.FromString(records[2099 - 1009]).features.feature
    assert of_topic["mean_rgb"] != features["mean_rgb"]


def test_worlds():
    config = CollaborativeConfig((100_000, 10_000), max_rows=500_000)
    assert config.worlds == [(10_000, 100_000), (100_000, 500_000)]


@pytest.mark.slow
def test_programs_at_a_size_and_a_run_that_goes_on(tmp_path, run_here, monkeypatch):
    """The first run is interrupted at the eighth step, the second measures what is left."""
    measured, small = [], tmp_path / "small"

    def here(function, *arguments):
        if function is collaborative_scaling.make_small and small.exists():
            return shutil.copytree(small, arguments[0], dirs_exist_ok=True)
        if function is collaborative_scaling.make_small:
            function(*arguments)
            return shutil.copytree(arguments[0], small)
        if function is collaborative_scaling.measured:
            measured.append(arguments[0].part)
            if len(measured) == 8:
                raise KeyboardInterrupt
        return function(*arguments)

    monkeypatch.setattr(collaborative_scaling, "in_own_process", here)
    network = {"hidden_size": 8, "embedding_size": 16}
    monkeypatch.setattr(collaborative_scaling, "_NETWORK", network)
    out = tmp_path / "out"
    flags = [f"--parts={PROGRAMS}", "--num_videos=1000", f"--output_dir={out}"]
    assert run_here(scaling.PROGRAM, *flags)[0] == 130
    assert len(json.loads((out / "scaling.json").read_text())) == 7
    assert run_here(scaling.PROGRAM, *flags)[0] == 0
    parts = [step.part for step in STEPS]
    assert measured == [*parts[:8], *parts[7:]]

    points = {
        each["part"]: Point(**each) for each in json.loads((out / "scaling.json").read_text())
    }
    assert list(points) == parts
    assert all(point.seconds > 0 and point.bytes_on_disk > 0 for point in points.values())
    expected = {"videos": 1000, "rows": 10_000, "users": 500}
    assert {point.axis: point.size for point in points.values()} == expected
    assert 1000 * 1152 < points["build-features"].bytes_on_disk < 1000 * 1200
    exact, four_bits = (points[f"build-index, {name}"] for name in ("exact", "4 bits"))
    saved = 1000 * 16 * (32 - 4) / 8
    assert exact.bytes_on_disk - four_bits.bytes_on_disk == pytest.approx(saved, rel=0.1)
    counted = {part: (point.count, point.unit) for part, point in points.items()}
    assert counted["embed"] == (1000, "videos")
    assert counted["search, inverted lists"] == (1000, "queries")
    assert counted["recommend"] == (500, "users")
    assert counted["glmix"] == (10_000, "events")
    names = ["plan.md", "scaling.json", "scaling.md", "scaling.png"]
    assert sorted(path.name for path in out.iterdir()) == names

    assert run_here(scaling.PROGRAM, *flags)[0] == 0
    assert len(measured) == len(parts) + 1
    assert run_here(scaling.PROGRAM, "--parts=build-graph", "--fresh", *flags[1:])[0] == 0
    assert measured[-1] == "build-graph"
    assert len(json.loads((out / "scaling.json").read_text())) == len(parts)
