"""A watch log in two by time: by hand, against a slow reference, and what is refused."""

import csv
import json
import random

import pytest

from yt8m_models.graph.split_log.__main__ import PROGRAM, main
from yt8m_models.graph.split_log.config import SplitLogConfig
from yt8m_models.graph.split_log.splitting import split_log
from yt8m_models.program.command import UsageError

pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")

HEADER = "user_id,video_id,timestamp,watched_seconds,impression"
# Tests begin at 100. `old` was watched before; `new` was shown before, and is watched after;
# `shown` is never watched; `early` was watched before and is not in the tests.
ROWS = (
    "a,old,99.5,40,0",
    "b,new,100,35,0",
    "a,new,50,0,1",
    "b,early,10,3,0",
    "a,old,120,0,1",
    "b,shown,20,0,1",
    "a,shown,130,0,1",
    "b,new,10,0,1",
    "a,old,100,9,0",
)


def write_log(path, rows, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def split(tmp_path, rows, header=HEADER, **options):
    """The rows of both parts, the cold-start videos, and what was counted."""
    log = write_log(tmp_path / "log.csv", rows, header)
    directory = tmp_path / "split"
    summary = split_log(SplitLogConfig(watch_log=log, output_dir=str(directory), **options))
    parts = []
    for name in ("train.csv", "test.csv"):
        with open(directory / name, newline="") as file:
            parts.append(list(csv.DictReader(file)))
    cold = (directory / "cold_start_videos.txt").read_text().splitlines()
    assert not list(directory.glob(".*"))
    return *parts, cold, summary


def pairs(rows):
    return [(row["user_id"], row["video_id"], float(row["timestamp"])) for row in rows]


def test_by_hand(tmp_path):
    train, test, cold, summary = split(tmp_path, ROWS, test_after="100")
    assert pairs(train) == [("a", "old", 99.5), ("b", "early", 10.0)]
    assert pairs(test) == [
        *(("b", "new", 100.0), ("a", "old", 120.0)),
        *(("a", "shown", 130.0), ("a", "old", 100.0)),
    ]
    assert cold == ["new", "shown"]
    assert list(train[0]) == HEADER.split(",")
    assert [(row["watched_seconds"], row["impression"]) for row in test] == [
        *(("35.0", "0"), ("0.0", "1"), ("0.0", "1"), ("9.0", "0"))
    ]
    assert (summary.num_train, summary.num_test) == (2, 4)
    assert (summary.num_cold_videos, summary.num_cold_test, summary.num_left_out) == (2, 2, 3)
    record = json.loads((tmp_path / "split" / "split_log.json").read_text())
    assert record["first_test_time"] == summary.first_test_time == "1970-01-01T00:01:40Z"


@pytest.mark.parametrize("time", ["1970-01-01T00:01:40Z", "1970-01-01T01:01:40+01:00", "1e2"])
def test_a_time_is_that_of_its_date(tmp_path, time):
    assert split(tmp_path, ROWS, test_after=time)[3].num_test == 4


def test_no_watch_of_a_cold_start_video_trains(tmp_path):
    """Against plain loops; the parts have all rows but earlier ones of cold-start videos."""
    draw = random.Random(0)
    rows = [
        f"u{draw.randrange(9)},v{draw.randrange(60)},{draw.randrange(10**6, 2 * 10**6)},5,"
        f"{draw.randrange(2)}"
        for _ in range(400)
    ]
    train, test, cold, summary = split(tmp_path, rows, test_fraction=0.25)
    fields = [row.split(",") for row in rows]
    cut = sorted(int(row[2]) for row in fields)[300]
    watched = {row[1] for row in fields if int(row[2]) < cut and row[4] == "0"}
    assert set(cold) == {row[1] for row in fields} - watched
    assert cold
    before = [row for row in fields if int(row[2]) < cut and row[1] in watched]
    after = [row for row in fields if int(row[2]) >= cut]
    assert pairs(train) == [(row[0], row[1], float(row[2])) for row in before]
    assert pairs(test) == [(row[0], row[1], float(row[2])) for row in after]
    assert summary.num_test == 100
    assert len(before) + len(after) + summary.num_left_out == 400


def test_columns_and_ids_of_any_name(tmp_path):
    """Those of the log are named as usual; what is quoted stays one field."""
    rows = ['"x,""y""",v1,2026-01-31T20:15:00Z,4', "u,v1,2026-01-30,1", "u,v 2,2026-02-01,5"]
    options = {"user_column": "who", "time_column": "when", "test_after": "2026-01-31"}
    train, test, cold, _ = split(tmp_path, rows, "who,video_id,when,rating", **options)
    assert list(test[0]) == ["user_id", "video_id", "timestamp", "rating"]
    assert pairs(test)[0] == ('x,"y"', "v1", 1_769_890_500.0)
    assert pairs(train) == [("u", "v1", 1_769_731_200.0)]
    assert cold == ["v 2"]


def test_nothing_for_one_of_the_parts_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--test_after=9 leaves no row of .* for training: tests"):
        split(tmp_path, ROWS, test_after="9")
    with pytest.raises(ValueError, match="for tests: tests begin at 1970-01-01T00:16:40Z"):
        split(tmp_path, ROWS, test_after="1000")
    with pytest.raises(ValueError, match="there are no rows in"):
        split(tmp_path, [])
    assert not (tmp_path / "split" / "split_log.json").exists()


def test_a_split_that_is_there_is_kept(tmp_path):
    split(tmp_path, ROWS, test_after="100")
    with pytest.raises(ValueError, match="already holds a split log"):
        split(tmp_path, ROWS)
    with pytest.raises(ValueError, match="must be a local directory; received gs://b/x"):
        split_log(SplitLogConfig(watch_log="x.csv", output_dir="gs://b/x"))


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (
            "--test_after=soon",
            "--test_after must be seconds since 1970 or date .*; received 'soon'",
        ),
        ("--test_after=nan", "received 'nan'"),
        ("--test_fraction=1", "--test_fraction must be above 0 and below 1; received 1.0"),
        ("--output_dir=", "--output_dir must be given"),
    ],
)
def test_wrong_flags_are_refused(flag, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["--watch_log=a.csv", "--output_dir=b", flag])


def test_the_program_says_what_it_counted(tmp_path, capsys):
    log, output = write_log(tmp_path / "log.csv", ROWS), f"{tmp_path}/split"
    main(PROGRAM.parse([f"--watch_log={log}", f"--output_dir={output}", "--test_after=100"]))
    assert capsys.readouterr().out.splitlines() == [
        f"2 rows before 1970-01-01T00:01:40Z in {output}/train.csv, 4 from then on in "
        f"{output}/test.csv; 2 of these are of the 2 cold-start videos",
        "left out 3 earlier impressions of cold-start videos",
    ]
