"""Scores of pairs by what users watched before: by hand, and against plain loops."""

import numpy as np
import pytest

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation.affinity import affinity
from yt8m_models.recommendation.labelled_events import read_labelled_events
from yt8m_models.recommendation.user_events import UserEvents

pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")


def events_of(path, rows, columns="user_id,video_id,label", min_watched_seconds=0.0):
    path.write_text("\n".join([columns, *rows]) + "\n")
    return read_labelled_events(WatchLogOptions(watch_log=str(path)), min_watched_seconds)


def test_by_hand(tmp_path):
    """a watched x and y; the cosines with z = (0.6, 0.8) are 0.6 and 0.8.

    c has no history, as x was only shown; `gone` has no embedding; a watched x twice.
    """
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    embeddings = Embeddings.write(tmp_path / "embeddings", ["x", "y", "z"], vectors, "m")
    log = ["a,x,1", "a,y,1", "a,z,0", "a,x,1", "c,x,0", "b,gone,1", "b,y,1", "a,gone,1"]
    pairs = ["a,z,1", "c,z,1", "b,x,0", "a,gone,0", "d,x,1", "b,z,1", "a,y,0"]
    found = affinity(
        events_of(tmp_path / "a.csv", log), events_of(tmp_path / "b.csv", pairs), embeddings
    )
    by_score = sorted(zip(found.labels, found.mean, found.max, strict=True))
    # a: z (0.7, 0.8) and y (0.5, 1); b, who watched y: x (0, 0) and z (0.8, 0.8)
    expected = [(0, 0, 0), (0, 0.5, 1), (1, 0.7, 0.8), (1, 0.8, 0.8)]
    np.testing.assert_allclose(by_score, expected, atol=1e-6)
    assert found.num_unscored == 3


def test_equals_plain_loops(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"v{row}" for row in range(30)]
    embeddings = Embeddings.write(tmp_path / "embeddings", ids, vectors, "m", shard_size=7)

    def draw(count):
        return [
            (f"u{rng.integers(8)}", f"v{rng.integers(33)}", rng.integers(2)) for _ in range(count)
        ]

    before, after = draw(60), draw(80)
    texts = [[",".join(map(str, row)) for row in rows] for rows in (before, after)]
    found = affinity(
        events_of(tmp_path / "a.csv", texts[0]), events_of(tmp_path / "b.csv", texts[1]), embeddings
    )
    by_id = dict(zip(ids, vectors, strict=True))
    expected = []
    for user, video, label in after:
        watched = {v for u, v, is_watched in before if u == user and is_watched and v in by_id}
        if video in by_id and watched:
            cosines = [float(by_id[video] @ by_id[v]) for v in watched]
            expected.append((label, np.mean(cosines), np.max(cosines)))
    received = zip(found.labels, found.mean, found.max, strict=True)
    np.testing.assert_allclose(sorted(received), sorted(expected), atol=1e-5)
    assert found.num_unscored == 80 - len(expected)


def test_labels(tmp_path):
    """By threshold: neither an impression nor a watch of exactly as long counts."""
    columns = "user_id,video_id,watched_seconds,impression"
    rows = ["a,x,31,0", "a,y,30,0", "a,z,99,1"]
    events = events_of(tmp_path / "a.csv", rows, columns, min_watched_seconds=30.0)
    assert events.values[LABEL].tolist() == [1, 0, 0]
    assert events_of(tmp_path / "a.csv", rows, columns).values[LABEL].tolist() == [1, 1, 0]
    assert isinstance(events, UserEvents)
