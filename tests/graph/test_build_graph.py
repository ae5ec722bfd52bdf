"""Building the co-watch graph: values against a slow reference, files, and bad logs."""

import gzip
import itertools
from collections import Counter, defaultdict

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.graph.build_graph.__main__ import PROGRAM, main
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.co_watches import CoWatches
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.engine import engine

HEADER = "user_id,video_id,timestamp,watched_seconds,impression"


def write_csv(path, rows, header=HEADER):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def build(tmp_path, log, **options):
    paths = {"watch_log": str(log), "output_dir": str(tmp_path / "graph")}
    summary = build_graph(BuildGraphConfig(**paths, **options))
    graph = CoWatchGraph.load(tmp_path / "graph")
    assert not list((tmp_path / "graph").glob(".*"))  # nothing of the database is left
    return graph, summary


def edges_of(graph):
    """`{(id, id): weight}` of both directions."""
    return _pairs(graph, graph.offsets, graph.neighbors, graph.weights)


def shown_of(graph):
    ones = np.ones(len(graph.shown_neighbors), int)
    return set(_pairs(graph, graph.shown_offsets, graph.shown_neighbors, ones))


def _pairs(graph, offsets, others, values):
    pairs = {}
    for row in range(len(graph)):
        of_row = range(offsets[row], offsets[row + 1])
        assert list(others[of_row]) == sorted(set(others[of_row].tolist()))
        for place in of_row:
            key = graph.ids[row].decode(), graph.ids[others[place]].decode()
            pairs[key] = int(values[place])
    return pairs


def reference(rows, rule, gap, window, longer_than, min_count):
    """Edges and impressions by plain loops; gap and window in seconds."""
    watches, impressions = defaultdict(list), defaultdict(list)
    for user, video, time, watched, impression in rows:
        if impression:
            impressions[user].append((time, video))
        elif longer_than == 0 or watched > longer_than:
            watches[user].append((time, video))
    co_watchers, shown = defaultdict(set), set()
    for user, of_user in watches.items():
        of_user.sort(key=lambda watch: watch[0])  # equal times in the order of the log
        if rule == "session":
            pairs = [(a, b) for a, b in itertools.pairwise(of_user) if b[0] - a[0] <= gap]
        else:
            pairs = [
                (a, b) for a, b in itertools.combinations(of_user, 2) if abs(b[0] - a[0]) <= window
            ]
        for (_, a), (_, b) in pairs:
            if a != b:
                co_watchers[a, b].add(user)
                co_watchers[b, a].add(user)
        for (at, a), (time, b) in itertools.product(of_user, impressions[user]):
            if abs(at - time) <= window and a != b:
                shown.add((a, b))
    edges = {pair: len(users) for pair, users in co_watchers.items() if len(users) >= min_count}
    return edges, shown - set(co_watchers), len(co_watchers) // 2


def random_log(seed, num_rows=400):
    rng = np.random.default_rng(seed)
    return [
        (
            f"u{rng.integers(8)}",
            f"v{rng.integers(20):02}",
            60 * int(rng.integers(-300, 300)),
            int(rng.integers(0, 50)),
            int(rng.random() < 0.2),
        )
        for _ in range(num_rows)
    ]


@pytest.mark.parametrize(
    ("seed", "rule", "gap", "window", "longer_than", "min_count"),
    [
        (0, "session", 30, 30, 0, 1),
        (1, "session", 20, 10, 20, 2),
        (2, "session", 0.5, 1, 0, 1),
        (3, "valid_watch", 30, 30, 0, 1),
        (4, "valid_watch", 30, 7, 25, 2),
        (5, "valid_watch", 30, 20, 0, 3),
    ],
)
def test_the_graph_equals_a_slow_reference(
    tmp_path, seed, rule, gap, window, longer_than, min_count
):
    files = [random_log(seed)[part::3] for part in range(3)]
    rows = list(itertools.chain(*files))
    expected, shown, num_pairs = reference(
        rows, rule, 60 * gap, 60 * window, longer_than, min_count
    )
    assert expected
    assert shown
    paths = [write_csv(tmp_path / f"{part}.csv", part_rows) for part, part_rows in enumerate(files)]
    graph, summary = build(
        tmp_path,
        ",".join(paths),
        rule=rule,
        session_gap_minutes=gap,
        window_minutes=window,
        min_watched_seconds=longer_than,
        min_count=min_count,
        memory_limit="600MB",
    )
    assert edges_of(graph) == expected
    assert shown_of(graph) == shown
    videos = sorted({row[1] for row in rows})
    assert [video.decode() for video in graph.ids] == videos
    num_watches = sum(not row[4] and (longer_than == 0 or row[3] > longer_than) for row in rows)
    assert (summary.num_rows, summary.num_watches) == (len(rows), num_watches)
    assert summary.num_impressions == sum(row[4] for row in rows)
    assert (summary.num_users, summary.num_videos) == (8, len(videos))
    assert (summary.num_pairs, summary.num_edges) == (num_pairs, len(expected) // 2)
    assert summary.num_shown == len(shown)
    assert summary.num_eval == graph.is_eval.sum()
    assert graph.settings["counts"]["num_pairs"] == num_pairs


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("uvw"),
            st.sampled_from("abcdef"),
            st.integers(-7, 12).map(lambda quarter: quarter / 4),
            st.integers(0, 3),
            st.sampled_from([0, 0, 0, 1]),
        ),
        min_size=1,
        max_size=30,
    ),
    rule=st.sampled_from(["session", "valid_watch"]),
    seconds=st.sampled_from([0.25, 0.5, 0.75, 1.5]),
    longer_than=st.sampled_from([0, 1]),
)
def test_ties_edges_of_windows_and_fractions_of_seconds(
    tmp_path_factory, rows, rule, seconds, longer_than
):
    tmp_path = tmp_path_factory.mktemp("log")
    expected, shown, _ = reference(rows, rule, seconds, seconds, longer_than, 1)
    options = {
        "rule": rule,
        "session_gap_minutes": seconds / 60,
        "window_minutes": seconds / 60,
        "min_watched_seconds": longer_than,
    }
    log = write_csv(tmp_path / "log.csv", rows)
    if not expected:
        with pytest.raises(ValueError, match="no two videos of the log were co-watched"):
            build(tmp_path, log, **options)
        return
    graph, _ = build(tmp_path, log, **options)
    assert edges_of(graph) == expected
    assert (set() if graph.shown_offsets is None else shown_of(graph)) == shown


# One user: a at 0, b at 20, a again at 30 and c at 61 minutes; another: b, then a, then d.
LOG = [
    ("x", "a", 0, 9, 0),
    ("x", "b", 1200, 9, 0),
    ("x", "a", 1800, 9, 0),
    ("x", "c", 3660, 9, 0),
    ("y", "b", 0, 9, 0),
    ("y", "a", 60, 9, 0),
    ("y", "d", 120, 9, 0),
    ("y", "e", 0, 0, 1),
    ("y", "a", 0, 0, 1),
    ("x", "e", 9999, 0, 1),
]


@pytest.mark.parametrize("rule", ["session", "valid_watch"])
def test_edges_by_events_and_videos_with_enough_views(tmp_path, rule):
    """Pairs of watches are counted one by one; videos of few views still stand between others."""
    rows = random_log(6)
    watches = defaultdict(list)
    for user, video, time, _, impression in rows:
        if not impression:
            watches[user].append((time, video))
    pairs, views = Counter(), Counter(video for each in watches.values() for _, video in each)
    for of_user in watches.values():
        of_user.sort(key=lambda watch: watch[0])
        together = (
            itertools.pairwise if rule == "session" else lambda w: itertools.combinations(w, 2)
        )
        for (time, a), (later, b) in together(of_user):
            if a != b and later - time <= 60 * 30:
                pairs[a, b] += 1
                pairs[b, a] += 1
    kept = {video for video, count in views.items() if count >= 17}
    assert 1 < len(kept) < len(views)
    expected = {pair: count for pair, count in pairs.items() if count >= 2 and set(pair) <= kept}
    _, shown, _ = reference(rows, rule, 1800, 1800, 0, 1)
    log = write_csv(tmp_path / "log.csv", rows)
    graph, summary = build(
        tmp_path, log, rule=rule, edge_weights="events", min_count=2, min_views=17
    )
    assert edges_of(graph) == expected
    assert max(expected.values()) > 2
    assert [video.decode() for video in graph.ids] == sorted(kept)
    assert shown_of(graph) == {pair for pair in shown if set(pair) <= kept}
    assert (summary.num_videos, summary.num_eval) == (len(kept), graph.is_eval.sum())
    assert graph.settings["edge_weights"] == "events"
    assert graph.settings["min_views"] == 17


def test_the_same_two_videos_again_and_again_by_hand(tmp_path):
    """One user: a b a, c, b: sessions have a-b twice, a-c and b-c; without c, that stays so."""
    times = {"a": (0, 120), "b": (60, 240), "c": (180,)}
    rows = [("u", video, time, 9, 0) for video, each in times.items() for time in each]
    log = write_csv(tmp_path / "log.csv", sorted(rows, key=lambda row: row[2]))
    for name, options, expected in (
        ("users", {}, {"ab": 1, "ac": 1, "bc": 1}),
        ("events", {"edge_weights": "events"}, {"ab": 2, "ac": 1, "bc": 1}),
        ("views", {"edge_weights": "events", "min_views": 2}, {"ab": 2}),
    ):
        graph, _ = build(tmp_path / name, log, **options)
        found = {"".join(pair): weight for pair, weight in edges_of(graph).items()}
        assert {pair: found[pair] for pair in found if pair == "".join(sorted(pair))} == expected
    for options, message in (
        ({"min_views": 3}, r"--min_views=3 leaves no video: the most watches that one has are 2"),
        ({"edge_weights": "events", "min_count": 3}, r"co-watched more often than 2 times"),
    ):
        with pytest.raises(ValueError, match=message):
            build(tmp_path / "none", log, **options)


def test_limits_for_users_who_watch_without_end_by_hand(tmp_path):
    """A bot begins six videos in a minute; of 15 pairs it makes 9 with two watches before each."""
    rows = [("bot", video, 10 * place, 9, 0) for place, video in enumerate("abcdef")]
    log = write_csv(tmp_path / "log.csv", [*rows, ("x", "b", 0, 9, 0), ("x", "a", 9, 9, 0)])
    for name, options, expected, left_out in (
        ("all", {}, "ab ac ad ae af bc bd be bf cd ce cf de df ef", ((0, 0), (0, 0))),
        # d, e and f have 3, 4 and 5 before them
        ("pairs", {"max_pairs_per_window": 2}, "ab ac bc bd cd ce de df ef", ((0, 0), (3, 6))),
        ("events", {"max_events_per_user": 4}, "ab cd ce cf de df ef", ((1, 2), (0, 0))),
        (
            "both",
            {"max_events_per_user": 4, "max_pairs_per_window": 1},
            "ab cd de ef",
            ((1, 2), (2, 3)),
        ),
    ):
        graph, summary = build(tmp_path / name, log, rule="valid_watch", **options)
        found = {"".join(pair) for pair in edges_of(graph) if pair[0] < pair[1]}
        assert found == set(expected.split())
        assert (summary.events_left_out, summary.pairs_left_out) == left_out
        assert summary.num_watches == 8
        assert graph.settings["counts"]["pairs_left_out"] == list(left_out[1])
        assert len(graph) == 6  # videos of events that are left out are in the log


def test_limits_with_ties_and_impressions_equal_a_slow_reference(tmp_path):
    rows = random_log(7)
    users = defaultdict(list)
    for user, video, time, _, impression in rows:
        users[user].append((time, video, impression))
    most_events, most_pairs, window = 30, 3, 60 * 40
    events_left_out = sum(max(len(each) - most_events, 0) for each in users.values())
    pairs, shown, pairs_left_out = Counter(), set(), 0
    for each in users.values():
        each.sort(key=lambda event: event[0])
        del each[:-most_events]
        watches = [event for event in each if not event[2]]
        for place, (time, video, _) in enumerate(watches):
            before = [other for at, other, _ in watches[:place] if time - at <= window]
            pairs_left_out += max(len(before) - most_pairs, 0)
            for other in before[-most_pairs:]:
                pairs[video, other] += 1
            shown |= {
                (video, other)
                for at, other, is_shown in each
                if is_shown and abs(time - at) <= window
            }
    expected = Counter()
    for (video, other), count in pairs.items():
        if video != other:
            expected[video, other] += count
            expected[other, video] += count
    graph, summary = build(
        tmp_path,
        write_csv(tmp_path / "log.csv", rows),
        rule="valid_watch",
        window_minutes=window / 60,
        edge_weights="events",
        max_events_per_user=most_events,
        max_pairs_per_window=most_pairs,
    )
    assert edges_of(graph) == expected
    assert shown_of(graph) == {pair for pair in shown if pair[0] != pair[1]} - set(expected)
    assert summary.events_left_out.number == events_left_out > 0
    assert summary.pairs_left_out.number == pairs_left_out > 0


def test_sessions_by_hand(tmp_path):
    graph, summary = build(tmp_path, write_csv(tmp_path / "log.csv", LOG))
    edges = {("a", "b"): 2, ("a", "d"): 1}  # c begins 31 minutes after a; b and d are not adjacent
    assert edges_of(graph) == {**edges, **{(b, a): count for (a, b), count in edges.items()}}
    # e was shown near b, a and d of y; a as well, which was co-watched with b and d
    assert shown_of(graph) == {("a", "e"), ("b", "e"), ("d", "e")}
    assert (summary.num_watches, summary.num_impressions, summary.num_shown) == (7, 3, 3)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_equal_times_keep_the_order_of_the_log(tmp_path, caplog, suffix):
    """Over many blocks and files, whatever the ids: each user's day is a path of its videos."""
    rng = np.random.default_rng(0)
    videos = rng.permutation(24_000).reshape(2, 120, 100)  # file, user, watch
    paths, expected = [], set()
    for part in range(2):
        path = str(tmp_path / f"{part}.csv")
        rows = (
            (u, f"v{videos[part, u, w]:05}", "2026-01-31") for w in range(100) for u in range(120)
        )
        write_csv(tmp_path / f"{part}.csv", rows, "user_id,video_id,timestamp")
        if suffix == "parquet":
            duckdb.sql(f"COPY (FROM '{path}') TO '{path}.parquet'")
        paths.append(path if suffix == "csv" else f"{path}.parquet")
    for before, after in itertools.pairwise(np.moveaxis(videos, 1, 2).reshape(200, 120)):
        expected |= set(zip(before.tolist(), after.tolist(), strict=True))
    graph, _ = build(tmp_path, ",".join(paths), memory_limit="1GB")
    found = {tuple(int(video[1:]) for video in pair) for pair in edges_of(graph)}
    assert found == expected | {(b, a) for a, b in expected}
    assert "120 times a user began several videos at the same time: these follow" in caplog.text


def test_valid_watches_by_hand(tmp_path):
    graph, _ = build(tmp_path, write_csv(tmp_path / "log.csv", LOG), rule="valid_watch")
    edges = {("a", "b"): 2, ("a", "d"): 1, ("b", "d"): 1}
    assert edges_of(graph) == {**edges, **{(b, a): count for (a, b), count in edges.items()}}


def test_formats_of_files_and_times_do_not_matter(tmp_path):
    expected = edges_of(build(tmp_path / "1", write_csv(tmp_path / "log.csv", LOG))[0])
    names = HEADER.split(",")

    def iso(seconds, offset):
        minutes = 8 * 60 + seconds // 60 + (60 * offset)
        zone = f"+{offset:02}:00" if offset else "Z"
        return f"2026-03-01T{minutes // 60:02}:{minutes % 60:02}:{seconds % 60:02}{zone}"

    dated = [(u, v, iso(t, place % 3), w, i) for place, (u, v, t, w, i) in enumerate(LOG)]
    write_csv(tmp_path / "iso.csv", dated)
    with gzip.open(tmp_path / "log.csv.gz", "wt") as file:
        file.write((tmp_path / "log.csv").read_text().replace(",0\n", ",false\n"))
    reordered = [(w, f'"{v}"', t, '"x, y"', u, bool(i)) for u, v, t, w, i in LOG]
    write_csv(
        tmp_path / "log [1].csv",
        reordered,
        'watched_seconds,video_id,timestamp,"the title",user_id,impression',
    )
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE log AS SELECT * FROM '{tmp_path / 'log.csv'}'")
        connection.execute(f"COPY log TO '{tmp_path / 'seconds.parquet'}'")
        connection.execute(
            'COPY (SELECT * REPLACE (make_timestamp(1000000 * "timestamp") AS "timestamp", '
            f"impression = 1 AS impression) FROM log) TO '{tmp_path / 'times.parquet'}'"
        )
    assert names == ["user_id", "video_id", "timestamp", "watched_seconds", "impression"]
    logs = ["iso.csv", "log.csv.gz", "log [[]1].csv", "seconds.parquet", "times.parquet"]
    for number, log in enumerate(logs, 2):
        graph, _ = build(tmp_path / str(number), tmp_path / log)
        assert edges_of(graph) == expected, log
        assert len(graph.shown_neighbors) == 3


def test_optional_columns_may_be_missing_and_ids_are_any_text(tmp_path):
    header = "user_id,video_id,timestamp"
    log = write_csv(tmp_path / "log.csv", [(7, "é", 0), (7, "007", 5), (8, "zz", 0)], header)
    graph, summary = build(tmp_path, log)
    assert graph.ids.to_array().tolist() == [b"007", b"zz", "é".encode()]
    assert edges_of(graph) == {("007", "é"): 1, ("é", "007"): 1}
    assert graph.shown_offsets is None
    assert summary.num_shown is None


def test_the_partition_depends_on_the_id_the_fraction_and_the_seed(tmp_path):
    rows = [("u", f"v{number}", number, 1, 0) for number in range(2000)]
    log = write_csv(tmp_path / "log.csv", rows)
    graph, _ = build(tmp_path / "1", log)
    # sqrt(0.3 * 0.7 / 2000) = 0.010
    assert graph.is_eval.mean() == pytest.approx(0.3, abs=0.04)
    fewer, _ = build(tmp_path / "2", log, train_fraction=0.9)
    none, summary = build(tmp_path / "5", log, train_fraction=1.0)
    assert (summary.num_eval, none.is_eval.any()) == (0, False)
    assert fewer.is_eval.mean() == pytest.approx(0.1, abs=0.03)
    assert graph.is_eval[fewer.is_eval].all()
    other, _ = build(tmp_path / "3", log, seed=1)
    assert 0.05 < (other.is_eval & graph.is_eval).mean() < 0.13


def test_videos_with_and_without_features_are_counted(tmp_path):
    FeatureTable.write(tmp_path / "f", ["a", "b", "z", "e"], [np.zeros((4, 2))], ["rgb"], [2])
    _, summary = build(
        tmp_path, write_csv(tmp_path / "log.csv", LOG), features_dir=str(tmp_path / "f")
    )
    assert (summary.num_without_features, summary.num_not_in_log) == (2, 1)  # c and d; z


def test_a_log_of_no_video_with_features_is_refused(tmp_path):
    FeatureTable.write(tmp_path / "f", ["A"], [np.zeros((1, 2))], ["rgb"], [2])
    log = write_csv(tmp_path / "log.csv", LOG)
    with pytest.raises(ValueError, match=r"log\.csv and .*f have no id in common: .* 'a' and 'A'"):
        build(tmp_path, log, features_dir=str(tmp_path / "f"))
    assert not any((tmp_path / "graph").iterdir())


def change(row, column, value):
    rows = [list(row) for row in LOG]
    rows[row - 1][HEADER.split(",").index(column)] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (change(3, "timestamp", "soon"), {}, r"log.csv, row 3: timestamp must be .*'soon'"),
        (change(3, "timestamp", "nan"), {}, r"log.csv, row 3: timestamp must be .*'nan'"),
        (change(10, "timestamp", ""), {}, r"log.csv, row 10: timestamp must be .* nothing"),
        (change(2, "timestamp", "1e300"), {}, r"row 2: timestamp must be .*'1e300'"),
        (change(2, "timestamp", "infinity"), {}, r"row 2: timestamp must be .*'infinity'"),
        (change(1, "user_id", ""), {}, "row 1: user_id must not be empty.*; received nothing"),
        (change(4, "video_id", '""'), {}, "row 4: video_id must not be empty.*; received nothing"),
        (
            change(4, "video_id", "x" * 513),
            {},
            r"row 4: video_id .* 512 bytes; .* \(513 characters",
        ),
        (change(4, "user_id", "ü" * 257), {}, r"row 4: user_id .* 512 bytes; .* \(257 characters"),
        (change(5, "impression", "2"), {}, "row 5: impression must be 0 or 1; received '2'"),
        (
            change(6, "watched_seconds", "x"),
            {"min_watched_seconds": 1},
            "row 6: watched_seconds must be a number; received 'x'",
        ),
        (
            change(7, "video_id", "a,b"),
            {},
            r"log.csv cannot be read: line 8: .*Columns: 5 Found: 6",
        ),
        ([], {}, r"the watch log is empty: there are no rows in .*log.csv"),
        (LOG, {"min_count": 3}, "no edge is left after --min_count=3: .* more than 2 users"),
        (LOG[:1], {}, "no two videos of the log were co-watched"),
        (LOG, {"min_watched_seconds": 9}, "no two videos of the log were co-watched"),
    ],
)
def test_bad_logs_are_refused(tmp_path, rows, options, message):
    with pytest.raises(ValueError, match=message):
        build(tmp_path, write_csv(tmp_path / "log.csv", rows), **options)
    assert not any((tmp_path / "graph").iterdir())


def test_bad_files_are_refused(tmp_path):
    good = write_csv(tmp_path / "good.csv", LOG)
    short = write_csv(tmp_path / "short.csv", [("u", "v")], "user_id,video_id")
    with pytest.raises(
        ValueError, match=r"short.csv lacks the column timestamp; it has user_id, v"
    ):
        build(tmp_path, f"{good},{short}")
    with pytest.raises(ValueError, match=r"no file matches '.*none.csv'"):
        build(tmp_path, tmp_path / "none.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ValueError, match=r"empty.csv is empty: it must have a header with user_id"):
        build(tmp_path, tmp_path / "empty.csv")
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(ValueError, match=r"text.parquet cannot be read"):
        build(tmp_path, tmp_path / "text.parquet")
    (tmp_path / "latin.csv").write_bytes(f"{HEADER}\nu,\xe9,1,1,0\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin.csv cannot be read: line 2: Invalid unicode"):
        build(tmp_path, tmp_path / "latin.csv")
    no_seconds = write_csv(tmp_path / "no.csv", [("u", "v", 1)], "user_id,video_id,timestamp")
    with pytest.raises(ValueError, match=r"no.csv lacks the column watched_seconds"):
        build(tmp_path, no_seconds, min_watched_seconds=5)
    with pytest.raises(ValueError, match=r"--memory_limit=1KB is too low"):
        build(tmp_path, good, memory_limit="1KB")
    build(tmp_path, good)
    with pytest.raises(ValueError, match="already holds a co-watch graph"):
        build(tmp_path, good)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"watch_log": " "}, "--watch_log must be given"),
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"rule": "any"}, "--rule=any: must be one of session, valid_watch"),
        ({"session_gap_minutes": 0}, "--session_gap_minutes must be above 0; received 0"),
        ({"window_minutes": float("nan")}, "--window_minutes must be a finite number; received"),
        ({"min_watched_seconds": -1}, "--min_watched_seconds must be at least 0; received -1"),
        ({"min_count": 0}, "--min_count must be at least 1; received 0"),
        ({"max_events_per_user": -1}, "--max_events_per_user must be at least 0; received -1"),
        (
            {"max_pairs_per_window": 5},
            "--max_pairs_per_window goes with --rule=valid_watch; received 5 with --rule=session",
        ),
        ({"train_fraction": 1.5}, "--train_fraction must be above 0 and at most 1; received 1.5"),
        ({"memory_limit": "much"}, "--memory_limit must be a size such as 2GB; received 'much'"),
    ],
)
def test_wrong_flags_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        BuildGraphConfig(**{"watch_log": "log.csv", "output_dir": "graph", **change})


def test_the_program_reports_what_it_counted(tmp_path, capsys):
    log = write_csv(tmp_path / "log.csv", LOG)
    flags = [f"--watch_log={log}", f"--output_dir={tmp_path / 'graph'}", "--min_count=2"]
    flags += ["--max_events_per_user=5"]
    main(PROGRAM.parse(flags))
    printed = capsys.readouterr()
    # SHA-256 puts none of the ids a to e among the 30 %
    assert printed.out.splitlines() == [
        "10 rows: 7 watches and 3 impressions of 5 videos by 2 users",
        "0 events left out of 0 users with more than --max_events_per_user=5",
        f"1 edges in {tmp_path / 'graph'}, of 2 before --min_count=2; 5 videos for training, "
        "0 for evaluation",
        "3 pairs of a video and one shown near it, not co-watched",
    ]
    assert "co-watch graph 5/5 steps" in printed.err


def test_an_interrupt_leaves_nothing(tmp_path):
    def work(error):
        with engine(tmp_path / "work", "1GB") as connection:
            connection.execute("CREATE TABLE numbers AS SELECT * FROM range(10)")
            raise error

    # what DuckDB raises where a signal comes while it is at work
    for error in (RuntimeError("Query interrupted"), KeyboardInterrupt()):
        with pytest.raises(KeyboardInterrupt):
            work(error)
        assert not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError, match="something else"):
        work(RuntimeError("something else"))


@pytest.mark.parametrize("edge_weights", ["users", "events"])
@pytest.mark.parametrize("rule", ["session", "valid_watch"])
def test_pairs_beyond_memory_are_counted_in_parts(tmp_path, monkeypatch, rule, edge_weights):
    log = write_csv(tmp_path / "log.csv", random_log(5))
    options = {"rule": rule, "edge_weights": edge_weights}
    at_once, _ = build(tmp_path / "a", log, **options)

    def fail(tables, co_watches):
        raise duckdb.OutOfMemoryException("failed to allocate")

    monkeypatch.setattr(CoWatches, "_make_pairs", fail)
    in_parts, _ = build(tmp_path / "b", log, **options)
    assert edges_of(in_parts) == edges_of(at_once)
    assert max(edges_of(at_once).values()) > 1


def test_the_engine_takes_half_of_the_limit_or_a_quarter_of_the_machine(tmp_path):
    def in_kib(connection):
        [text] = connection.execute("SELECT current_setting('memory_limit')").fetchone()
        number, unit = text.split()
        return float(number) * 1024 ** ("KiB", "MiB", "GiB", "TiB").index(unit)

    with duckdb.connect() as connection:
        of_machine = in_kib(connection) / 0.8  # what DuckDB takes by itself
    with engine(tmp_path / "a") as connection:
        assert in_kib(connection) == pytest.approx(of_machine / 4, rel=0.02)
    with engine(tmp_path / "b", "512MiB") as connection:
        assert in_kib(connection) == 256 * 1024
