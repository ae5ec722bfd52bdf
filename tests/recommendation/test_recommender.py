"""`Recommender`: what it recommends is what `yt8m recommend` writes, also after saving."""

import csv

import numpy as np
import pytest

import yt8m_models as yt
from yt8m_models.program.command import UsageError
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommend.recommending import recommend

IDS = [f"v{row}" for row in range(30)]
LOG = "person,video_id,rating\na,v1,5\na,v2,1\nb,v3,4\nb,v29,4\nc,none,5\n"
SETTINGS = {"user_column": "person", "min_stars": 3}

pytest.importorskip("duckdb", reason="needs the extra `recommend`")


def _vectors():
    vectors = np.random.default_rng(0).normal(size=(len(IDS), 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


@pytest.fixture
def recommender(log):
    """Of the first 25 videos, by the embeddings of all."""
    index = yt.Index.build(yt.Embeddings.of(IDS[:25], _vectors()[:25]))
    return yt.Recommender(index, embeddings=yt.Embeddings.of(IDS, _vectors())).fit(log, **SETTINGS)


def _best(scores, out, n):
    scores = scores[:25].copy()
    scores[out] = -np.inf
    order = np.argsort(-scores, kind="stable")[:n]
    return [IDS[row] for row in order], scores[order]


def test_recommendations_are_the_best_by_similarity(recommender, tmp_path):
    vectors = _vectors()
    recommender.save(tmp_path / "saved")
    for each in (recommender, yt.Recommender.load(tmp_path / "saved")):
        for user, history, watched in (("a", [1], [1, 2]), ("b", [3, 29], [3])):
            ids, scores = each.recommend(user, n=4)
            expected = _best(vectors @ vectors[history].mean(axis=0), watched, 4)
            assert ids.tolist() == expected[0]
            np.testing.assert_allclose(scores, expected[1], atol=1e-6)
        ids, scores = each.similar("v29", n=3)  # which is not in the index
        expected = _best(vectors @ vectors[29], [], 3)
        assert ids.tolist() == expected[0]
        np.testing.assert_allclose(scores, expected[1], atol=1e-6)
        assert "v7" not in each.similar("v7", n=24)[0]
        assert len(each.recommend("a", n=30)[0]) == 23  # of 25, two were watched


def test_it_is_what_the_program_writes(recommender, log, tmp_path):
    recommender.index.save(tmp_path / "index")
    config = RecommendConfig(
        watch_log=str(log),
        index_dir=str(tmp_path / "index"),
        output=str(tmp_path / "out.csv"),
        top_k=5,
        aggregation="max",
        **SETTINGS,
    )
    recommend(config)
    with open(tmp_path / "out.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["user_id"] == "b"]
    ids, scores = yt.Recommender(tmp_path / "index", "max").fit(log, **SETTINGS).recommend("b", 5)
    assert ids.tolist() == [row["video_id"] for row in rows]
    np.testing.assert_allclose(scores, [float(row["score"]) for row in rows], atol=1e-5)


def test_fit_replaces_what_was_read(recommender, tmp_path):
    (tmp_path / "other.csv").write_text("user_id,video_id\nz,v5\n")
    recommender.fit(tmp_path / "other.csv")
    assert "v5" not in recommender.recommend("z")[0]
    with pytest.raises(ValueError, match="user 'a' watched no video of the embeddings"):
        recommender.recommend("a")


def test_mistakes_are_named(recommender, log, tmp_path):
    with pytest.raises(ValueError, match="user 'c' watched no video"):
        recommender.recommend("c")
    with pytest.raises(ValueError, match="video 'x' is not in the embeddings"):
        recommender.similar("x")
    for ask in (lambda: recommender.recommend("a", 0), lambda: recommender.similar("v1", 0)):
        with pytest.raises(ValueError, match="at least 1; received 0"):
            ask()
    with pytest.raises(ValueError, match="call fit first"):
        yt.Recommender(recommender.index).recommend("a")
    with pytest.raises(ValueError, match="call fit first"):
        yt.Recommender(recommender.index).save(tmp_path / "none")
    with pytest.raises(UsageError, match="--last_videos must be at least 0; received -1"):
        recommender.fit(log, last_videos=-1)
    with pytest.raises(UsageError, match=r"last_video.*last_videos"):
        recommender.fit(log, last_video=1)
    with pytest.raises(ValueError, match="'unnamed', and the embeddings are of 'm'"):
        yt.Recommender(recommender.index, embeddings=yt.Embeddings.of(IDS, _vectors(), "m"))


def test_damaged_directories_are_refused(recommender, tmp_path, forget_contents):
    with pytest.raises(ValueError, match=r"holds no recommender\.json"):
        yt.Recommender.load(tmp_path)
    saved = tmp_path / "saved"
    recommender.save(saved)
    with pytest.raises(ValueError, match="already holds a recommender"):
        recommender.save(saved)
    events = saved / "events"
    whole = (events / "offsets.npy").read_bytes()
    np.save(events / "offsets.npy", np.array([0, 9, 3, 5]))
    with pytest.raises(ValueError, match=r"offsets\.npy is not what yt8m recommend .* wrote"):
        yt.Recommender.load(saved)
    forget_contents(events)
    with pytest.raises(ValueError, match=f"{saved}/events: offsets must rise from 0 to 5"):
        yt.Recommender.load(saved)
    (events / "offsets.npy").write_bytes(whole)
    assert len(yt.Recommender.load(saved).reader.events.users) == 3
    record = saved / "recommender.json"
    record.write_text(record.read_text().replace('"last_videos": 0', '"last_videos": -1'))
    with pytest.raises(ValueError, match=f"{saved} .*last_videos must be at least 0"):
        yt.Recommender.load(saved)
    record.write_text(record.read_text().replace('"last_videos": -1', '"last_videos": 0'))
    (saved / "index" / "vectors.npy").unlink()
    with pytest.raises(ValueError, match=r"vectors\.npy"):
        yt.Recommender.load(saved)
