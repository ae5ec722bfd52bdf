"""Tables of events: chunks, grouping by user, and what is refused."""

import gzip

import duckdb
import numpy as np
import pandas as pd
import pytest

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.graph import events
from yt8m_models.graph.events import read_events, rows_of
from yt8m_models.graph.user_events import UserEvents

CSV = """timestamp,user_id,video_id,label,other
100,bo,v1,1,x
50.5,al,v2,0,y
1970-01-01T00:01:00Z,bo,v3,true,
7,NA,v1,False,z
"""


def _write(tmp_path, text, name="events.csv"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.fixture(params=["csv", "csv.gz", "parquet"])
def file(request, tmp_path):
    path = _write(tmp_path, CSV)
    if request.param == "csv.gz":
        path = str(tmp_path / "events.csv.gz")
        with gzip.open(path, "wt") as target:
            target.write(CSV)
    if request.param == "parquet":
        target = str(tmp_path / "events.parquet")
        duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{path}', all_varchar=true)) TO '{target}' "
            "(FORMAT parquet)"
        )
        path = target
    return path


def test_columns(file):
    (chunk,) = read_events([file], ("label",), ("timestamp", "rating"))
    assert list(chunk.users) == ["bo", "al", "bo", "NA"]
    assert list(chunk.videos) == ["v1", "v2", "v3", "v1"]
    assert sorted(chunk.values) == ["label", "timestamp"]
    np.testing.assert_array_equal(chunk.values["label"], [1, 0, 1, 0])
    np.testing.assert_array_equal(chunk.values["timestamp"], [100, 50.5, 60, 7])


def test_rows_of():
    rows = rows_of(VideoIds(["v3", "v1"]), pd.Series(["v1", "v2", "v1", "v3"]))
    np.testing.assert_array_equal(rows, [1, UNKNOWN, 1, 0])


@pytest.mark.parametrize("chunk_rows", [2, 1 << 20])
def test_grouped_by_user(file, chunk_rows, monkeypatch):
    monkeypatch.setattr(events, "_CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(events, "_DUCKDB_VECTOR", min(chunk_rows, 2048))
    grouped = UserEvents.read([file, file], ("label",), ("timestamp", "rating"))
    assert list(grouped.users) == [b"bo", b"al", b"NA"]
    assert list(grouped.videos) == [b"v1", b"v2", b"v3"]
    np.testing.assert_array_equal(grouped.offsets, [0, 4, 6, 8])
    np.testing.assert_array_equal(grouped.user_rows, [0, 0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(grouped.video_rows, [0, 2, 0, 2, 1, 1, 0, 0])
    np.testing.assert_array_equal(grouped.values["label"], [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(grouped.values["timestamp"][:4], [100, 60, 100, 60])
    assert sorted(grouped.values) == ["label", "timestamp"]
    assert len(grouped) == 8


def test_only_some_users(file):
    grouped = UserEvents.read([file], only_users=["al", "cy"])
    assert list(grouped.users) == [b"al"]
    np.testing.assert_array_equal(grouped.videos.ids, [b"v2"])
    assert not len(UserEvents.read([file], only_users=["cy"]))


def test_a_column_that_one_file_lacks_is_left_out(file, tmp_path):
    other = _write(tmp_path, "user_id,video_id\nbo,v9\n", "other.csv")
    assert UserEvents.read([file, other], optional=("timestamp",)).values == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"events.csv is empty"),
        ("user_id,label\na,1\n", r"lacks the column video_id; it has user_id, label"),
        ("user_id,video_id\na,v\n", r"lacks the column label"),
        ("user_id,video_id,label\na,v,1\na,v,2\n", r"row 2: label must be 0 or 1; received '2'"),
        ("user_id,video_id,label\na,v,\n", r"row 1: label must be 0 or 1; received ''"),
        ("user_id,video_id,label\na,v,nan\n", r"row 1: label must be 0 or 1; received 'nan'"),
        ("user_id,video_id,label\na,v,1\n,v,1\n", r"row 2: user_id must not be empty"),
        ("user_id,video_id,label\na,,1\n", r"row 1: video_id must not be empty"),
        ("user_id,video_id,label,rating\na,v,1,inf\n", r"rating must be a finite number"),
        ("user_id,video_id,label,timestamp\na,v,1,noon\n", r"timestamp must be a number or ISO"),
        ('user_id,video_id,label\n"a,v,1\n', r"events.csv cannot be read"),
    ],
)
def test_refused(tmp_path, text, message):
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        list(read_events([path], ("label",), ("rating", "timestamp")))


def test_unreadable_files(tmp_path):
    for name in ("none.csv", "none.parquet"):
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            list(read_events([str(tmp_path / name)]))
    broken = _write(tmp_path, "no parquet", "broken.parquet")
    with pytest.raises(ValueError, match=r"broken.parquet cannot be read"):
        list(read_events([broken]))
    with pytest.raises(ValueError, match="must be a local file"):
        list(read_events(["s3://bucket/events.csv"]))
