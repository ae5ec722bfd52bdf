"""Watch logs: columns, formats of files and of times, and what is refused."""

import bz2
import gzip
import itertools
import lzma
import zipfile

import duckdb
import numpy as np
import pytest

from yt8m_models.graph import watch_log
from yt8m_models.graph.watch_log import LABEL, RATING, TIME, USER, VIDEO, read_events
from yt8m_models.graph.watch_log_options import WatchLogOptions

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


def _read(paths, required=(), optional=(), **options):
    """The rows of a log as lists: users, videos, and the other columns by name."""
    log = WatchLogOptions(watch_log=",".join(map(str, paths)), **options)
    blocks = list(read_events(log, required, optional))
    values = {
        name: np.concatenate([block[name] for block in blocks]).tolist() for name in blocks[0]
    }
    return values.pop(USER), values.pop(VIDEO), values


def _compressed(path, suffix):
    """A copy of a text file as `suffix` says."""
    target = f"{path}{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.write(path, "events.csv")
    elif suffix == ".zst":
        duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{path}', all_varchar=true)) TO '{target}' "
            "(FORMAT csv, HEADER, COMPRESSION zstd)"
        )
    else:
        with {".gz": gzip, ".bz2": bz2, ".xz": lzma}[suffix].open(target, "wt") as file:
            file.write(CSV)
    return target


@pytest.fixture(params=["csv", "gz", "zst", "bz2", "xz", "zip", "parquet"])
def file(request, tmp_path):
    path = _write(tmp_path, CSV)
    if request.param == "csv":
        return path
    if request.param != "parquet":
        return _compressed(path, f".{request.param}")
    target = str(tmp_path / "events [1].parquet")
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{path}', all_varchar=true)) TO '{target}' (FORMAT parquet)"
    )
    return target


def test_columns(file):
    users, videos, values = _read([file], (LABEL,), (TIME, RATING))
    assert users == ["bo", "al", "bo", "NA"]
    assert videos == ["v1", "v2", "v3", "v1"]
    assert values == {LABEL: [1, 0, 1, 0], TIME: [100_000_000, 50_500_000, 60_000_000, 7_000_000]}


def test_rows_keep_their_order_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_log, "_VECTORS", 1)
    lines = [f"u{row % 7},v{row}" for row in range(9000)]
    path = _write(tmp_path, "\n".join(["user_id,video_id", *lines]))
    blocks = list(read_events(WatchLogOptions(watch_log=path)))
    assert len(blocks) > 2
    assert [video for block in blocks for video in block[VIDEO]] == [
        f"v{row}" for row in range(9000)
    ]


def test_names_separators_and_headers(tmp_path):
    rows = [("u", "v", 5), ("w", "x", 6)]
    expected = ["u", "w"], ["v", "x"], {TIME: [5_000_000, 6_000_000]}
    names = {"user_column": "who", "video_column": "what", "time_column": "when"}
    for name, separator, options in (
        ("a.csv", ";", {"separator": ";"}),
        ("b.tsv", "\t", {}),
        ("c.txt", "\t", {"separator": "tab"}),
    ):
        lines = [separator.join(map(str, row)) for row in [("who", "what", "when"), *rows]]
        path = _write(tmp_path, "\n".join(lines), name)
        assert _read([path], (), (TIME,), **names, **options) == expected
        path = _write(tmp_path, "\n".join(lines[1:]), name)
        numbers = {"user_column": "1", "video_column": "2", "time_column": "3"}
        assert _read([path], (), (TIME,), header=False, **numbers, **options) == expected
    with pytest.raises(ValueError, match="lacks the column when; it has user_id, video_id"):
        _read([_write(tmp_path, "user_id,video_id\nu,v\n")], (), (TIME,), time_column="when")
    with pytest.raises(ValueError, match="lacks the column user_id; it has 1, 2"):
        _read([_write(tmp_path, "u,v\n")], header=False)
    with pytest.raises(ValueError, match="--separator must be one character or tab; received"):
        WatchLogOptions(watch_log="a.csv", separator=", ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-31", 1769817600),
        *((f"2026-01-31{middle}20:15{end}", 1769890500) for middle in " T" for end in ("", "Z")),
        *((f"2026-01-31 20:15:00.5{zone}", 1769890500.5) for zone in ("", "Z", " UTC", "+00:00")),
        ("2026-01-31T20:15:00+01:00", 1769886900),
        ("20260131T201500Z", 1769890500),
        ("2026-01-31T20", 1769889600),
        ("2026-01", 1767225600),
        ("2026-01-31t20:15:00.5z", 1769890500.5),
        ('"2026-01-31T20:15:00,5Z"', 1769890500.5),
        ("1969-12-31T23:59Z", -60),
        ("0001-01-01T00:00:00Z", -62135596800),
        ("9999-12-31T00:00:00Z", 253402214400),
        ("1.5e3", 1500),
        ("-7", -7),
    ],
)
def test_times(tmp_path, text, seconds):
    path = _write(tmp_path, f"user_id,video_id,timestamp\nu,v,{text}\n")
    assert _read([path], (TIME,))[2] == {TIME: [seconds * 1_000_000]}


@pytest.mark.parametrize(
    ("unit", "number", "name"),
    [
        ("s", 1769890500, ""),
        ("ms", 1769890500250, "milliseconds since 1970, so for 2026-01-31; --time_unit=s"),
        ("us", 1769890500250000, "microseconds since 1970, so for 2026-01-31; --time_unit=s"),
        ("ns", 1769890500250000000, "nanoseconds since 1970, so for 2026-01-31; --time_unit=s"),
    ],
)
def test_units_of_times(tmp_path, caplog, unit, number, name):
    path = _write(tmp_path, f"user_id,video_id,timestamp\nu,v,0\nu,v,{number}\n")
    expected = {TIME: [0, number * {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit] // 1000]}
    assert _read([path], (TIME,), time_unit=unit)[2] == expected
    assert not caplog.records
    assert _read([path], (TIME,))[2] == expected
    assert name in caplog.text
    assert bool(caplog.records) == (unit != "s")
    other = _write(tmp_path, "user_id,video_id,timestamp\nu,v,5e9\nu,v,5e12\nu,v,5e15\n", "b.csv")
    with pytest.raises(ValueError, match=r"b.csv, row \d: timestamp must be a number of"):
        _read([path, other], (TIME,))


def test_days_in_digits_are_seconds_and_said_to_be(tmp_path, caplog):
    path = _write(tmp_path, "user_id,video_id,timestamp\nu,v,20150131\n")
    assert _read([path], (TIME,))[2] == {TIME: [20150131_000_000]}
    assert (
        "20150131 is taken for seconds since 1970, so for 1970-08-22; write a day as" in caplog.text
    )


def _iso_8601(offset):
    """Forms of one time by the parts that they may have, with their microseconds."""
    hour, minute, second, half = 1422734400, 900, 30, 0.5  # 2015-01-31T20, :15, :30, .5
    clocks = [("20", hour)]
    for colon in (":", ""):
        clocks += [
            (f"20{colon}15", hour + minute),
            (f"20{colon}15{colon}30", hour + minute + second),
            (f"20{colon}15{colon}30.5", hour + minute + second + half),
            (f"20{colon}15{colon}30.500000999", hour + minute + second + half),
        ]
    for day, middle, (clock, seconds), space in itertools.product(
        ("2015-01-31", "20150131"), "T ", clocks, ("", " ")
    ):
        yield day + middle + clock + (space + offset if offset else ""), int(1e6 * seconds)


@pytest.mark.parametrize(
    ("offset", "hours"),
    [("", 0), ("Z", 0), ("+00", 0), ("+01:00", -1), ("+0100", -1), ("+01", -1), ("-0130", 1.5)],
)
def test_every_form_of_iso_8601(tmp_path, offset, hours):
    forms, times = zip(*_iso_8601(offset), strict=True)
    path = _write(tmp_path, "\n".join(["user_id,video_id,timestamp", *(f"u,v,{t}" for t in forms)]))
    found = _read([path], (TIME,))[2][TIME]
    assert dict(zip(forms, found, strict=True)) == {
        form: time + int(hours * 3600e6) for form, time in zip(forms, times, strict=True)
    }


def test_line_ends_and_byte_order_mark(tmp_path):
    lines = ["\ufeffuser_id,video_id", "u,v", "w,x", ""]
    for number, ends in enumerate(
        (["\n"] * 4, ["\r\n"] * 4, ["\r\n", "\n"] * 2, ["\n", "\r\n"] * 2)
    ):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(
            "".join(line + end for line, end in zip(lines, ends, strict=True)).encode()
        )
        assert _read([path]) == (["u", "w"], ["v", "x"], {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"events.csv is empty"),
        ("user_id,label\na,1\n", r"lacks the column video_id; it has user_id, label"),
        ("user_id,video_id\na,v\n", r"lacks the column label"),
        ("user_id,video_id,label\na,v,1\na,v,2\n", r"row 2: label must be 0 or 1; received '2'"),
        ("user_id,video_id,label\na,v,\n", r"row 1: label must be 0 or 1; received nothing"),
        ("user_id,video_id,label\na,v,nan\n", r"row 1: label must be 0 or 1; received 'nan'"),
        ("user_id,video_id,label\na,v,1\n,v,1\n", r"row 2: user_id must not be empty"),
        ("user_id,video_id,label\na,,1\n", r"row 1: video_id must not be empty"),
        ("user_id,video_id,label,rating\na,v,1,inf\n", r"rating must be a finite number"),
        (
            "user_id,video_id,label,timestamp\na,v,1,noon\n",
            r"timestamp must be a number of seconds",
        ),
        *(
            (f"user_id,video_id,label,timestamp\na,v,1,{time}\n", rf"received '{time}'")
            for time in ("2026-13-01T2015", "20260131T2515", "2026-02-30", "20260131T2", "1e21")
        ),
        ('user_id,video_id,label\n"a,v,1\n', r"events.csv cannot be read: line 2: .* unterminated"),
        ("user_id,video_id,label\na,v\n", r"line 2: .*Columns: 3 Found: 2; received 'a,v'"),
        ("user_id,video_id,label\na,v,1\na,v,1,2\n", r"line 3: .*Columns: 3 Found: 4"),
    ],
)
def test_refused(tmp_path, text, message):
    path = _write(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        _read([path], (LABEL,), (RATING, TIME))


def test_ids_of_parquet_may_be_bytes(tmp_path):
    for number, (content, expected) in enumerate([("\\xC3\\xA9", "é"), ("\\xE9", None)]):
        path = tmp_path / f"{number}.parquet"
        query = f"SELECT 'a'::BLOB AS user_id, '{content}'::BLOB AS video_id"
        duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        if expected:
            assert _read([path]) == (["a"], [expected], {})
        else:
            with pytest.raises(ValueError, match=r"1\.parquet cannot be read: .*UTF"):
                _read([path])


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        ("DATE '2026-01-31'", 1769817600000000),
        ("TIMESTAMP_NS '2026-01-31 20:15:00.123456789'", 1769890500123456),
        ("TIMESTAMPTZ '2026-01-31 20:15:00+01'", 1769886900000000),
        ("1769890500::HUGEINT", 1769890500000000),
        ("1769890500.25::DECIMAL(18, 2)", 1769890500250000),
        ("1769890500250000000", 1769890500250000),
        ("TIME '20:15:00'", None),
        ("'-infinity'::TIMESTAMP", None),
        ("NULL::TIMESTAMP", None),
        ("[1]", None),
    ],
)
def test_types_of_times_in_parquet(tmp_path, value, microseconds):
    path = tmp_path / "log.parquet"
    query = f"SELECT 'u' AS user_id, 'v' AS video_id, {value} AS timestamp"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    if microseconds is not None:
        assert _read([path], (TIME,))[2] == {TIME: [microseconds]}
        return
    with pytest.raises(ValueError, match=r"log\.parquet, row 1: timestamp must be"):
        _read([path], (TIME,))


def test_unreadable_files(tmp_path):
    with pytest.raises(ValueError, match=r"no file matches '.*none.csv'"):
        _read([tmp_path / "none.csv"])
    for name in ("broken.parquet", "broken.csv.gz", "broken.csv.bz2", "broken.csv.zip"):
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            _read([_write(tmp_path, "no such file", name)])
