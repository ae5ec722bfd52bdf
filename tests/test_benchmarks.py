"""What the benchmarks make of their measurements."""

import pytest

from benchmarks import collaborative_scaling, comparison, memory_limits, spark
from benchmarks.collaborative_scaling import measured
from benchmarks.figure import Figure, table
from benchmarks.point import Point
from benchmarks.step_limit import CASES, weight_bytes
from benchmarks.watch_data import write_log, write_records


def test_figures_against_their_bounds():
    fast = Figure("speed", 0.8, 0.7)
    heavy = Figure("memory", 1.2, 1.0, "GB", at_most=True)
    assert (fast.reached, heavy.reached, Figure("other", 3.0).reached) == (True, False, True)
    assert table([fast, heavy]).splitlines()[1:] == [
        "speed    0.8 x  ≥ 0.7 x  reached",
        "memory  1.2 GB   ≤ 1 GB  NOT REACHED",
    ]


@pytest.mark.parametrize(
    ("value", "at_most", "is_worse"),
    [(0.91, False, False), (0.89, False, True), (1.1, True, False), (1.12, True, True)],
)
def test_figures_against_those_of_another_commit(value, at_most, is_worse):
    """Nine tenths of 1 are 0.9; of a figure that is to be small, 1 / 0.9 = 1.11."""
    before, now = Figure("a", 1.0, at_most=at_most), Figure("a", value, at_most=at_most)
    found = comparison.slower([(before, now)])
    assert bool(found) == is_worse
    assert not is_worse or found[0].startswith(f"a: {value} x, before 1 (")


def test_both_trees_are_measured_in_turn_and_medians_compared(monkeypatch):
    measured = []

    def measure(tree, names):
        assert names == ["step"]
        measured.append((tree / "README.md").exists() and tree == comparison.ROOT)
        value = float(len(measured))
        figures = {"speed": Figure("speed", value), f"only {tree}": Figure("new", 1.0)}
        return figures

    monkeypatch.setattr(comparison, "_measured", measure)
    ((before, now),) = comparison.compare("HEAD", ("step", "later"), 3)
    assert measured == [False, True] * 3
    assert (before.value, now.value) == (3.0, 4.0)  # the medians of 1, 3, 5 and of 2, 4, 6
    assert comparison.gain(before, now) == pytest.approx(4 / 3)


def test_a_commit_without_the_benchmarks():
    with pytest.raises(ValueError, match="--base=HEAD: has none of these benchmarks"):
        comparison.compare("HEAD", ("later",), 1)


def test_a_commit_that_is_not_there():
    with pytest.raises(ValueError, match=r"--base=nowhere: .*not a valid object name"):
        comparison.compare("nowhere", ("step",), 1)


def test_work_of_a_step():
    """DSGMM on rgb, K = 256, hidden 1024, 80 videos of 30 frames, 3,862 classes, 2 mixtures.

    Multiplications of the forward pass: assignment and statistics 2 · 2400 · 1024 · 256, hidden
    80 · 262144 · 1024, gating 80 · 1024², MoE 80 · 1024 · 5 · 3862, its gating 80 · 3862²; the
    backward pass has twice as many, and each comes with an addition.
    """
    products = [
        2 * 2400 * 1024 * 256,
        80 * 262144 * 1024,
        80 * 1024**2,
        80 * 1024 * 5 * 3862,
        80 * 3862**2,
    ]
    assert CASES["dsgmm_paper"].flops(80) == 6 * sum(products)
    assert weight_bytes(1000) == 40_000  # ten passes over numbers of four bytes


def test_spark_over_duckdb(tmp_path, monkeypatch):
    """A million rows in 2 s by DuckDB and in 8 by Spark, which had to begin first: a quarter."""
    graphs = {"local": b"graph", "spark": b"graph"}

    def build(_, workdir, engine):
        (workdir / engine).mkdir(parents=True)
        (workdir / engine / "neighbors.npy").write_bytes(graphs[engine])
        return {"local": (0.0, 2.0), "spark": (5.0, 8.0)}[engine]

    monkeypatch.setattr(spark, "require", lambda *_, **__: None)
    monkeypatch.setattr(spark, "require_java", lambda: None)
    monkeypatch.setattr(spark, "in_own_process", build)
    monkeypatch.setattr(spark, "write_log", lambda *_: None)
    (figure,) = spark.figures(tmp_path / "same", num_rows=1_000_000)
    assert (figure.value, figure.bound) == (0.25, None)
    assert figure.detail["spark_rows_per_second"] == 125_000
    assert figure.detail["spark_start_seconds"] == 5.0

    graphs["spark"] = b"other"
    with pytest.raises(ValueError, match=r"Spark and DuckDB differ in \['neighbors.npy'\]"):
        spark.figures(tmp_path / "other")


def test_spark_is_left_out_where_it_is_not_installed(tmp_path, monkeypatch, capsys):
    def require(name, extra):
        raise ValueError(f"{name} is needed: extra {extra}")

    monkeypatch.setattr(spark, "require", require)
    assert spark.figures(tmp_path) == []
    assert capsys.readouterr().err == "left out: pyspark is needed: extra spark\n"


def test_memory_on_ten_times_as_much_input(tmp_path, monkeypatch):
    """A hundredth of 2 GB of rows of 154 bytes, and of 1,152 and of 256 float32 each."""
    made, flags = {}, {}

    def here(function, *arguments):
        if function in (write_log, write_records):
            path, *given = arguments
            made[path.name] = given
            path.write_bytes(bytes(10_000_000))
        elif function is memory_limits._make_more:
            directory, made[directory.name] = arguments
            (directory / "many").write_bytes(bytes(20_000_000))
        elif function is measured:
            step, large, *_ = arguments
            flags[step.program] = step.flags
            (large / step.makes).write_bytes(bytes(9_000_000))
            return Point(step.part, step.axis, 1, 2.5, {"embed": 201.0}.get(step.program, 199.0))

    monkeypatch.setattr(memory_limits, "in_own_process", here)
    figures = memory_limits.figures(tmp_path, scale=0.01)
    assert made == {
        "log": [129_870, 2170, 200],
        "records": [4340, (1024, 128)],
        "small": 10_000,
        "large": 19_531,
    }
    assert [figure.name.split(",")[0] for figure in figures] == [
        f"peak memory of {program}" for program in collaborative_scaling.PARTS
    ]
    assert figures[0].name == "peak memory of build-graph, on 10 MB"
    assert figures[3].name == "peak memory of build-index, on 20 MB"
    missed = [figure.name for figure in figures if not figure.reached]
    assert missed == ["peak memory of embed, on 9 MB"]
    limited = [name for name, given in flags.items() if given.get("memory_limit") == "200MB"]
    assert limited == ["build-graph", "recommend", "glmix"]
