"""The program that builds tables of features: of records, of NumPy and Parquet, of bad input."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.features.build_features import building
from yt8m_models.features.build_features.__main__ import PROGRAM, main
from yt8m_models.features.build_features.building import build_features
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.load_features import load_features
from yt8m_models.program.command import UsageError

DATA = DataConfig(("mean_rgb", "mean_audio"), (6, 2), num_classes=9)
FRAMES = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=9)
IDS = [f"v{number}" for number in range(20)]


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(-1.9, 2.0, (20, 8)).astype(np.float32)


def video_of(number, values):
    features = {"mean_rgb": values[number, :6], "mean_audio": values[number, 6:]}
    return video_record(IDS[number].encode(), [number % 9], features)


def frames_of(number):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (2 + number % 5, 8)).astype(np.uint8)


def sequence_of(number):
    frames = frames_of(number)
    features = {"rgb": frames[:, :6], "audio": frames[:, 6:]}
    return frame_record(IDS[number].encode(), [number % 9], features)


def write_shards(directory, record):
    for name, start, end in [("a", 0, 13), ("b", 13, 20)]:
        write_records(directory / f"{name}.tfrecord", map(record, range(start, end)))


def build(directory, data=DATA, **arguments):
    if "table" not in arguments:
        arguments["data_pattern"] = f"{directory}/*.tfrecord"
    return build_features(BuildFeaturesConfig(output_dir=f"{directory}/out", **arguments), data)


def all_values(directory):
    """Every row of the table in the order of `IDS`."""
    table = load_features(directory / "out")
    assert isinstance(table, FeatureTable)
    assert sorted(table.ids.to_array().tolist()) == sorted(video_id.encode() for video_id in IDS)
    return table.take(table.ids.rows(IDS))


@pytest.mark.parametrize(
    ("dtype", "error"), [("", 2.001 / 255), ("float16", 1e-3), ("float32", 0.0)]
)
def test_video_level_records(tmp_path, values, dtype, error):
    write_shards(tmp_path, lambda number: video_of(number, values))
    summary = build(tmp_path, dtype=dtype)
    np.testing.assert_allclose(all_values(tmp_path), values, rtol=0, atol=error)
    size = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert (summary.num_videos, summary.num_bytes) == (20, size)
    assert (summary.num_clipped, summary.problems) == (0, None)


@pytest.mark.parametrize(
    ("level", "flags"),
    [
        ("video", {}),
        ("video", {"dtype": "float16", "max_bad_records": 1}),
        ("means", {"dtype": "float32"}),
        ("frame", {}),
        ("frame", {"max_bad_records": 1}),
    ],
)
def test_workers_build_the_same_table(tmp_path, values, monkeypatch, spread_here, level, flags):
    values[3] = 3.5  # beyond uint8
    video = level == "video"
    write_shards(tmp_path, partial(video_of, values=values) if video else sequence_of)
    if "max_bad_records" in flags:
        write_records(tmp_path / "c.tfrecord", [b"no record"])
    monkeypatch.chdir(tmp_path)
    data = DATA if video else FRAMES
    config = partial(
        BuildFeaturesConfig,
        **{"data_pattern": "*.tfrecord", "num_readers": 1, "average_frames": level == "means"},
        **flags,
    )
    local = build_features(config(output_dir="local"), data)
    session = spread_here(building)
    found = build_features(config(output_dir="spread"), data, spark=session)
    assert found.num_videos == local.num_videos == 20
    assert found.num_clipped == local.num_clipped == (8 if video and not flags else 0)
    assert ("skipped 1 bad record" in (found.problems or "")) == ("max_bad_records" in flags)
    for path in (tmp_path / "local").iterdir():
        assert (tmp_path / "spread" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "spread").iterdir())) == len(list((tmp_path / "local").iterdir()))
    if "max_bad_records" in flags:
        write_records(tmp_path / "d.tfrecord", [b"no record, again"])
        with pytest.raises(ValueError, match=r"more than --max_bad_records=1 bad records: c\.tf"):
            build_features(config(output_dir="bad"), data, spark=session)
        (tmp_path / "d.tfrecord").unlink()
    write_records(tmp_path / "d.tfrecord", [video_of(2, values) if video else sequence_of(2)])
    with pytest.raises(ValueError, match=r"is there twice: a\.tfrecord.*d\.tfrecord"):
        build_features(config(output_dir="twice"), data, spark=session)


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet"])
@pytest.mark.parametrize("dtype", ["", "uint8", "float16"])
def test_workers_copy_the_files_of_a_table(tmp_path, values, monkeypatch, spread_here, kind, dtype):
    values[3] = 3.5  # beyond uint8
    monkeypatch.chdir(tmp_path)
    table, ids = f"x.{kind}", "ids.npy" if kind == "npy" else ""
    if kind == "npz":
        np.savez(table, ids=np.array(IDS), mean_rgb=values[:, :6], mean_audio=values[:, 6:])
    elif kind == "npy":
        np.save(table, values)
        np.save(ids, np.array(IDS))
    else:
        query = "select 'v' || i as id, [i / 7, 2, 3, -1, 0, 4] as mean_rgb, [i, 1.1] as mean_audio"
        for name, rows in (("a, [1]", "0, 13"), ("b", "0, 0"), ("c", "13, 20")):
            write_parquet(f"{name}.parquet", f"{query} from range({rows}) r(i)")
        table = "*.parquet"
    config = partial(BuildFeaturesConfig, table=table, table_ids=ids, dtype=dtype)
    local = build_features(config(output_dir="local"), DATA)
    session = spread_here(building)
    found = build_features(config(output_dir="spread"), DATA, spark=session)
    assert found.num_videos == local.num_videos == 20
    assert (found.num_clipped, found.problems) == (local.num_clipped, None)
    assert (found.num_clipped > 0) == (dtype == "uint8")
    names = [path.name for path in (tmp_path / "local").iterdir()]
    assert sorted(path.name for path in (tmp_path / "spread").iterdir()) == sorted(names)
    for name in names:
        assert (tmp_path / "spread" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    if kind == "parquet":
        write_parquet("d.parquet", f"{query} from range(14, 15) r(i)")
        with pytest.raises(
            ValueError, match=r"'v14' is there twice: c\.parquet, row 1; and d\.parquet, row 0"
        ):
            build_features(config(output_dir="twice"), DATA, spark=session)


def test_values_that_uint8_cannot_hold_are_counted(tmp_path, values):
    values[3, :2] = [5.0, -2.5]
    write_shards(tmp_path, lambda number: video_of(number, values))
    assert build(tmp_path).num_clipped == 2
    np.testing.assert_allclose(all_values(tmp_path)[3, :2], [2.0078, -1.9922], atol=1e-4)


def test_frame_level_records(tmp_path):
    write_shards(tmp_path, sequence_of)
    summary = build(tmp_path, FRAMES)
    assert (summary.num_videos, summary.problems) == (20, None)
    table = load_features(tmp_path / "out")
    assert isinstance(table, FrameTable)
    inputs = table.inputs(table.ids.rows(["v17", "v2"]))
    assert np.array_equal(inputs["video_matrix"][0, :4], frames_of(17))
    assert inputs["num_frames"].tolist() == [4, 4]


def test_means_of_frames(tmp_path):
    write_shards(tmp_path, sequence_of)
    build(tmp_path, FRAMES, average_frames=True, dtype="float32")
    expected = [dequantize(frames_of(number)).mean(axis=0) for number in range(20)]
    np.testing.assert_allclose(all_values(tmp_path), expected, atol=1e-5)


@pytest.mark.parametrize("level", ["video", "frame"])
@pytest.mark.parametrize("other", ["a", "b"])
def test_a_video_in_two_shards_is_an_error_that_names_both(tmp_path, values, level, other):
    def record(number):
        return video_of(number, values) if level == "video" else sequence_of(number)

    write_shards(tmp_path, record)
    write_records(tmp_path / "c.tfrecord", map(record, [13 if other == "b" else 5]))
    place = {"a": r"a\.tfrecord, record 5", "b": r"b\.tfrecord, record 0"}[other]
    message = rf"video 'v\d+' is there twice: \S*{place}; and \S*c\.tfrecord, record 0"
    with pytest.raises(ValueError, match=message):
        build(tmp_path, DATA if level == "video" else FRAMES)
    with pytest.raises(ValueError, match="yt8m build-features has not finished there"):
        load_features(tmp_path / "out")


def test_values_that_are_not_finite_are_refused_by_id(tmp_path, values):
    values[7, 1] = np.nan
    write_shards(tmp_path, lambda number: video_of(number, values))
    with pytest.raises(ValueError, match="video 'v7': value 1 of feature 'mean_rgb' must be fin"):
        build(tmp_path)


def test_a_table_of_no_video_is_refused(tmp_path):
    write_records(tmp_path / "a.tfrecord", [b"no record"])
    message = r"none of the records can be read\nskipped 1 bad record"
    with pytest.raises(ValueError, match=message):
        build(tmp_path, FRAMES, max_bad_records=1)


@pytest.mark.parametrize("level", ["video", "frame"])
def test_bad_records(tmp_path, values, level):
    def record(number):
        if number == 15:
            return b"no record"
        return video_of(number, values) if level == "video" else sequence_of(number)

    data = DATA if level == "video" else FRAMES
    write_shards(tmp_path, record)
    with pytest.raises(ValueError, match=r"b\.tfrecord: record 2 "):
        build(tmp_path, data)
    summary = build(tmp_path, data, max_bad_records=1)
    assert summary.num_videos == 19
    assert "skipped 1 bad record" in summary.problems
    assert load_features(tmp_path / "out").ids.rows(["v15", "v16"])[0] == -1


def test_frame_records_with_corrupt_content(tmp_path):
    """Found when they are read; before, where bad records are to be left out."""
    write_shards(tmp_path, sequence_of)
    with open(tmp_path / "b.tfrecord", "r+b") as file:
        content = file.read()
        frame = frames_of(15)[0, :6].tobytes()
        file.seek(content.index(frame))
        file.write(bytes([frame[0] ^ 1]))
    summary = build(tmp_path, FRAMES, max_bad_records=1)
    assert summary.num_videos == 19
    assert "b.tfrecord: record 2 (counted from 0)" in summary.problems
    table = load_features(tmp_path / "out")
    assert len(table.inputs(np.arange(19))["num_frames"]) == 19


def test_another_format_is_found_while_building(tmp_path, values):
    write_shards(tmp_path, lambda number: video_of(number, values))
    with pytest.raises(ValueError, match=r"looks like a video-level .*without --frame_features"):
        build(tmp_path, FRAMES)
    with pytest.raises(ValueError, match="'mean_rgb' has 6 values, not the 5 of --feature_sizes"):
        build(tmp_path, DataConfig(("mean_rgb",), (5,)))
    assert list((tmp_path / "out").iterdir()) == []


def test_npz_tables(tmp_path, values):
    path = str(tmp_path / "x.npz")
    np.savez(path, ids=np.array(IDS), mean_audio=values[:, 6:], mean_rgb=values[:, :6], more=1)
    build(tmp_path, table=path)
    assert np.array_equal(all_values(tmp_path), values)


@pytest.mark.parametrize("ids", ["ids.npy", "ids.txt", "marked.txt"])
def test_npy_tables(tmp_path, values, ids):
    np.save(tmp_path / "ids.npy", np.array(IDS, "S"))
    (tmp_path / "ids.txt").write_text("\n".join(IDS) + "\n")
    (tmp_path / "marked.txt").write_bytes("\r\n".join(IDS).encode("utf-8-sig"))
    np.save(tmp_path / "x.npy", values.astype(np.float64))
    build(tmp_path, table=str(tmp_path / "x.npy"), table_ids=str(tmp_path / ids))
    assert np.array_equal(all_values(tmp_path), values)


def write_parquet(path, query):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet)")


def test_parquet_tables(tmp_path):
    query = (
        "select 'v' || i as video_id, [i * 2.0, 1.0] as mean_audio, "
        "[i, 0.5, 0.25, i, -i, 3]::float[] as mean_rgb from range({}, {}) r(i)"
    )
    write_parquet(tmp_path / "a.parquet", query.format(0, 4500))
    write_parquet(tmp_path / "b.parquet", query.format(4500, 5000))
    assert build(tmp_path, table=f"{tmp_path}/*.parquet").num_videos == 5000
    table = load_features(tmp_path / "out")
    taken = table.take(table.ids.rows(["v4999", "v7"]))
    assert taken[0].tolist() == [4999, 0.5, 0.25, 4999, -4999, 3, 9998, 1]
    assert taken[1].tolist() == [7, 0.5, 0.25, 7, -7, 3, 14, 1]


@pytest.mark.parametrize("kind", ["utinyint", "integer", "bigint", "double"])
def test_parquet_lists_of_any_numbers(tmp_path, kind):
    path = tmp_path / "x [1].parquet"
    write_parquet(path, f"select 'a' as id, [1, 2]::{kind}[] as mean_rgb")
    build(tmp_path, DataConfig(("mean_rgb",), (2,)), table=str(path).replace("[", "[[]"))
    assert load_features(tmp_path / "out").take(np.array([0])).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select 'a' as id, ['b', 'c'] as mean_rgb", "'mean_rgb' must be lists of numbers"),
        ("select 'a' as id, [1.0] as x", "lacks the column 'mean_rgb'; it has id, x"),
        ("select 'a' as name", "lacks the column 'id'; it has name"),
        ("select 1 as id, [1.0, 2.0] as mean_rgb", "row 0: the id must be text; it is 1"),
        ("select 'a' as id, [1.0] as mean_rgb", "row 0: 'mean_rgb' must be a list of 2 .*1 values"),
        ("select 'a' as id, null::float[] as mean_rgb", "row 0: 'mean_rgb' must be a list of 2"),
        ("select 'a' as id, 1.5 as mean_rgb", "row 0: 'mean_rgb' must be a list .*it has 1.5"),
        ("select 'a' as id, [1.0, null] as mean_rgb", "video 'a': value 1 .*it is nan"),
        (
            "select 'a' as id, [1.0, 2.0] as mean_rgb from range(3)",
            r"video 'a' is there twice: \S*, row 0; and \S*, row 1",
        ),
    ],
)
def test_bad_parquet_tables(tmp_path, query, message):
    path = tmp_path / "x.parquet"
    write_parquet(path, query)
    with pytest.raises(ValueError, match=message):
        build(tmp_path, DataConfig(("mean_rgb",), (2,)), table=str(path))


def test_a_name_with_brackets_is_that_file(tmp_path):
    data = DataConfig(("mean_rgb",), (1,))
    for name, value in (("a1", 1), ("a[1]", 2)):
        write_parquet(tmp_path / f"{name}.parquet", f"select '{name}' as id, [{value}] as mean_rgb")
        np.savez(tmp_path / f"{name}.npz", ids=np.array([name]), mean_rgb=[[float(value)]])
    for kind in ("parquet", "npz"):
        (tmp_path / kind).mkdir()
        build(tmp_path / kind, data, table=f"{tmp_path}/a[1].{kind}")
        assert load_features(tmp_path / kind / "out").ids.to_array().tolist() == [b"a[1]"]


LONG = "x" * 513


@pytest.mark.parametrize("rows", [["id", LONG], ["id", ""], ["id", "id"]])
def test_bad_ids_are_named_by_file_and_row(tmp_path, rows):
    """Of NumPy, text, several Parquet files and records; the first row of each is right."""
    data, values = DataConfig(("mean_rgb",), (1,)), np.ones((2, 1), np.float32)
    np.savez(tmp_path / "x.npz", ids=np.array(rows), mean_rgb=values)
    np.savez(tmp_path / "y.npz", ids=np.array(rows, "S"), mean_rgb=values)
    np.save(tmp_path / "z.npy", values)
    (tmp_path / "ids.txt").write_text("\n".join(rows) + "\n")
    for number, row in enumerate(rows):
        write_parquet(tmp_path / f"p{number}.parquet", f"select '{row}' as id, [1.0] as mean_rgb")
        record = video_record(row.encode(), [0], {"mean_rgb": values[0]})
        write_records(tmp_path / f"{number}.tfrecord", [record])
    for options, place in (
        ({"table": f"{tmp_path}/x.npz"}, r"x\.npz, row 1"),
        ({"table": f"{tmp_path}/y.npz"}, r"y\.npz, row 1"),
        (
            {"table": f"{tmp_path}/z.npy", "table_ids": f"{tmp_path}/ids.txt"},
            r"(ids.txt|npy), row 1",
        ),
        ({"table": f"{tmp_path}/p*.parquet"}, r"p1\.parquet, row 0"),
        ({}, r"1\.tfrecord(, |: )record 0"),
    ):
        with pytest.raises(ValueError, match=place):
            build(tmp_path, data, **options)


def test_a_long_id_of_a_frame_table_is_refused(tmp_path):
    frames = {"rgb": np.zeros((2, 6), np.uint8), "audio": np.zeros((2, 2), np.uint8)}
    write_records(tmp_path / "a.tfrecord", [frame_record(LONG.encode(), [0], frames)])
    with pytest.raises(ValueError, match=r"a\.tfrecord: record 0 .* 512 bytes; it has 513"):
        build(tmp_path, FRAMES)


def test_bad_numpy_tables(tmp_path, values):
    path, ids = str(tmp_path / "x.npz"), np.array(IDS)
    for arrays, message in [
        ({"ids": ids}, "lacks the array 'mean_rgb'; it has ids"),
        ({"mean_rgb": values}, "lacks the array 'ids'"),
        ({"ids": ids, "mean_rgb": values[:, :5]}, r"shape \(20, 6\).*float32 \(20, 5\)"),
        ({"ids": ids[:9], "mean_rgb": values[:, :6]}, r"shape \(9, 6\).*float32 \(20, 6\)"),
        ({"ids": np.arange(20), "mean_rgb": values[:, :6]}, "ids must be text, one a video"),
        ({"ids": ids, "mean_rgb": np.ones((20, 6), np.uint8)}, "floats of the shape"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=rf"x\.npz.*{message}|{message}.*x\.npz"):
            build(tmp_path, DataConfig(("mean_rgb",), (6,)), table=path)
    with open(path, "r+b") as file:
        file.truncate(100)
    with pytest.raises(ValueError, match=r"x\.npz cannot be read"):
        build(tmp_path, table=path)
    with pytest.raises(ValueError, match=r"none\.npz cannot be read"):
        build(tmp_path, table=str(tmp_path / "none.npz"))
    with pytest.raises(ValueError, match=r"must be an \.npz, \.npy or \.parquet file"):
        build(tmp_path, table="x.csv")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "--output_dir must be given"),
        ("--output_dir=o", "one of --data_pattern and --table must be given; received neither"),
        ("--output_dir=o --data_pattern=x --table=y.npz", "received both"),
        ("--output_dir=o --table=y.npy", "--table_ids must be given for an .npy"),
        ("--output_dir=o --table=y.npz --table_ids=z", "and for no other; received z"),
        ("--output_dir=o --table=y.npz --dtype=int4", "--dtype=int4"),
        ("--output_dir=o --data_pattern=x --max_bad_records=-1", "at least 0; received -1"),
    ],
)
def test_mistakes_in_the_command_line(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(flags.split())


def test_flags_that_do_not_fit_together(tmp_path):
    with pytest.raises(ValueError, match="--frame_features is for records; received --table"):
        build(tmp_path, FRAMES, table="x.npz")
    with pytest.raises(ValueError, match="--average_frames needs --frame_features"):
        build(tmp_path, average_frames=True)
    segments = DataConfig(("rgb",), (6,), frame_features=True, segment_labels=True)
    with pytest.raises(ValueError, match="--segment_labels is of no use here"):
        build(tmp_path, segments)
    with pytest.raises(ValueError, match="no file matches"):
        build(tmp_path)


def test_the_program_reports_what_it_built(tmp_path, values, capsys):
    values[3, :2] = 5.0
    write_shards(tmp_path, lambda number: video_of(number, values))
    flags = [f"--data_pattern={tmp_path}/*.tfrecord", f"--output_dir={tmp_path}/out"]
    flags += ["--feature_names=mean_rgb,mean_audio", "--feature_sizes=6,2"]
    main(PROGRAM.parse(flags))
    captured = capsys.readouterr()
    assert captured.out.startswith("20 videos in ")
    assert "2 values beyond -1.99 to 2.01 were clipped; --dtype=float16" in captured.err
    with pytest.raises(ValueError, match="already holds features"):
        main(PROGRAM.parse(flags))


def test_flags_import_no_tensorflow():
    code = (
        "import sys, yt8m_models.features.build_features.__main__ as m; m.PROGRAM.help(); "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
