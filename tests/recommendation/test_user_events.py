"""Events grouped by user."""

import numpy as np
import pytest

from yt8m_models.graph import watch_log
from yt8m_models.graph.watch_log import LABEL, RATING, TIME
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation import user_events
from yt8m_models.recommendation.user_events import UserEvents

CSV = """timestamp,user_id,video_id,label
100,bo,v1,1
50.5,al,v2,0
60,bo,v3,1
7,NA,v1,0
"""


@pytest.fixture
def log(tmp_path):
    """A log of two files with the same rows."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    return WatchLogOptions(watch_log=f"{tmp_path}/?.csv")


def test_grouped_by_user(log):
    grouped = UserEvents.read(log, (LABEL,), (TIME, RATING))
    assert list(grouped.users) == [b"bo", b"al", b"NA"]
    assert list(grouped.videos) == [b"v1", b"v2", b"v3"]
    np.testing.assert_array_equal(grouped.offsets, [0, 4, 6, 8])
    np.testing.assert_array_equal(grouped.user_rows, [0, 0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(grouped.video_rows, [0, 2, 0, 2, 1, 1, 0, 0])
    np.testing.assert_array_equal(grouped.values[LABEL], [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(grouped.values[TIME][:4] / 1e6, [100, 60, 100, 60])
    assert sorted(grouped.values) == [LABEL, TIME]
    assert len(grouped) == 8


def test_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_log, "_VECTORS", 1)
    lines = [f"u{row % 7},v{row % 11}" for row in range(9000)]
    (tmp_path / "a.csv").write_text("\n".join(["user_id,video_id", *lines]))
    grouped = UserEvents.read(WatchLogOptions(watch_log=f"{tmp_path}/a.csv"))
    assert list(grouped.users) == [f"u{user}".encode() for user in range(7)]
    first = np.arange(0, 9000, 7) % 11
    np.testing.assert_array_equal(grouped.video_rows[: grouped.offsets[1]], first)


def test_only_some_users(log):
    grouped = UserEvents.read(log, only_users=["al", "cy"])
    assert list(grouped.users) == [b"al"]
    np.testing.assert_array_equal(grouped.videos.to_array(), [b"v2"])
    assert not len(UserEvents.read(log, only_users=["cy"]))


def test_a_column_that_one_file_lacks_is_left_out(log, tmp_path):
    (tmp_path / "c.csv").write_text("user_id,video_id\nbo,v9\n")
    assert UserEvents.read(log, optional=(TIME,)).values == {}


def test_events_of_some_videos_and_their_users(log, monkeypatch):
    events = UserEvents.read(log, (LABEL,), (TIME,))
    for most in (1, 4, 100):
        monkeypatch.setattr(user_events, "_BLOCK_EVENTS", most)
        some = events.of_videos(np.array([False, True, True]))
        assert list(some.users) == [b"bo", b"al"]
        assert list(some.videos) == [b"v2", b"v3"]
        np.testing.assert_array_equal(some.offsets, [0, 2, 4])
        np.testing.assert_array_equal(some.video_rows, [1, 1, 0, 0])
        np.testing.assert_array_equal(some.values[LABEL], [1, 1, 0, 0])
        np.testing.assert_array_equal(some.values[TIME] / 1e6, [60, 60, 50.5, 50.5])
        assert some.values[TIME].dtype == np.int64


def test_saved_and_opened(log, tmp_path):
    events = UserEvents.read(log, (LABEL,), (TIME,))
    events.save(tmp_path)
    opened = UserEvents.open(tmp_path)
    assert list(opened.users) == list(events.users)
    assert list(opened.videos) == list(events.videos)
    np.testing.assert_array_equal(opened.offsets, events.offsets)
    np.testing.assert_array_equal(opened.video_rows, events.video_rows)
    assert sorted(opened.values) == sorted(events.values)
    for name, values in events.values.items():
        np.testing.assert_array_equal(opened.values[name], values)


def test_values_are_made_of_the_columns_that_all_files_have(log):
    seen = []

    def values(columns):
        seen.extend(columns)
        return {"twice": f"2 * {LABEL}"}

    events = UserEvents.read(log, (), (LABEL, RATING), values=values)
    assert seen == [LABEL]
    np.testing.assert_array_equal(events.values["twice"], [2, 2, 2, 2, 0, 0, 0, 0])
