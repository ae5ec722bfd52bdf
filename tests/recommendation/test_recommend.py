"""Recommendation: against slow references, filters, who is left out, and what is refused."""

import csv

import numpy as np
import pytest

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.command import UsageError
from yt8m_models.recommendation import user_events
from yt8m_models.recommendation.history import max_scores
from yt8m_models.recommendation.history_search import HistorySearch
from yt8m_models.recommendation.recommend import recommending
from yt8m_models.recommendation.recommend.__main__ import PROGRAM
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommend.recommending import recommend
from yt8m_models.retrieval.index import Index

NUM_VIDEOS, SIZE = 50, 8
AGGREGATE = {
    "mean": lambda history, candidates: candidates @ history.mean(axis=0),
    "max": max_scores,
}


def _unit(rng, count):
    vectors = rng.normal(size=(count, SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """60 embeddings, v0 to v59; the first 50 of them in an index."""
    directory = tmp_path_factory.mktemp("recommend")
    vectors = _unit(np.random.default_rng(0), NUM_VIDEOS + 10)
    ids = [f"v{row}" for row in range(len(vectors))]
    Embeddings.write(directory / "all", ids, vectors, "m1")
    some = Embeddings.write(directory / "some", ids[:NUM_VIDEOS], vectors[:NUM_VIDEOS], "m1")
    Index.build(some).save(directory / "index")
    Index.build(some, bits=4).save(directory / "index4")
    return directory


def _recommend(world, tmp_path, history, **options):
    """Runs the program; the ids and scores for each user, and the report."""
    (tmp_path / "history.csv").write_text(history)
    config = RecommendConfig(
        **{
            "watch_log": str(tmp_path / "history.csv"),
            "index_dir": str(world / "index"),
            "output": str(tmp_path / "out.csv"),
            "top_k": 5,
            **options,
        }
    )
    report = recommend(config)
    answers: dict[str, list[tuple[str, float]]] = {}
    with open(tmp_path / "out.csv") as file:
        for row in csv.DictReader(file):
            answers.setdefault(row["user_id"], []).append((row["video_id"], float(row["score"])))
            assert int(row["rank"]) == len(answers[row["user_id"]])
    return answers, report


def _expected(vectors, history, watched, aggregation, k):
    """The k best by scoring every video, one by one."""
    scores = AGGREGATE[aggregation](vectors[history], vectors[:NUM_VIDEOS])
    scores[[row for row in watched if row < NUM_VIDEOS]] = -np.inf
    best = np.argsort(-scores, kind="stable")[:k]
    return [(f"v{row}", scores[row]) for row in best if scores[row] > -np.inf]


def _same(answers, expected):
    assert [video for video, _ in answers] == [video for video, _ in expected]
    np.testing.assert_allclose([s for _, s in answers], [s for _, s in expected], atol=1e-5)


@pytest.mark.parametrize("aggregation", ["mean", "max"])
@pytest.mark.parametrize("block_videos", [1, 7, 1 << 14])
def test_equals_scoring_every_video(world, tmp_path, aggregation, block_videos, monkeypatch):
    monkeypatch.setattr(recommending, "_BLOCK_VIDEOS", block_videos)
    monkeypatch.setattr(user_events, "_BLOCK_EVENTS", block_videos)
    rng = np.random.default_rng(1)
    watched = [rng.choice(NUM_VIDEOS, size, replace=False) for size in (1, 3, 12, 2, 48)]
    lines = [f"u{user},v{row}" for user, rows in enumerate(watched) for row in rows]
    rng.shuffle(lines)
    answers, report = _recommend(
        world, tmp_path, "user_id,video_id\n" + "\n".join(lines), aggregation=aggregation
    )
    vectors = Embeddings.load(world / "all").vectors()
    for user, rows in enumerate(watched):
        _same(answers[f"u{user}"], _expected(vectors, rows, rows, aggregation, 5))
    assert len(answers["u4"]) == 2  # 50 videos, 48 of them watched
    assert report.num_lines == 22
    assert (report.num_short, report.num_without) == (1, 0)


@pytest.mark.parametrize("aggregation", ["mean", "max"])
def test_a_quantised_index_answers_from_its_decoded_vectors(world, tmp_path, aggregation):
    options = {"index_dir": str(world / "index4"), "aggregation": aggregation, "top_k": 10}
    answers, _ = _recommend(world, tmp_path, "user_id,video_id\na,v1\na,v2\n", **options)
    exact, _ = _recommend(
        world,
        tmp_path,
        "user_id,video_id\na,v1\na,v2\n",
        **{**options, "index_dir": str(world / "index")},
    )
    assert len({video for video, _ in answers["a"]} & {video for video, _ in exact["a"]}) >= 7
    assert not {"v1", "v2"} & {video for video, _ in answers["a"]}


def test_filters_shorten_the_history_and_not_what_is_left_out(world, tmp_path):
    history = "user_id,video_id,rating\na,v1,5\na,v2,3\na,v3,1\nb,v4,2\nb,v5,2\n"
    vectors = Embeddings.load(world / "all").vectors()
    for options, kept in (
        ({}, [1, 2, 3]),
        ({"min_stars": 3.0}, [1, 2]),
        ({"above_mean": True}, [1]),  # the mean is 3
    ):
        answers, report = _recommend(world, tmp_path, history, top_k=50, **options)
        _same(answers["a"], _expected(vectors, kept, [1, 2, 3], "mean", 50))
        # no rating of b passes either filter: the whole history counts
        _same(answers["b"], _expected(vectors, [4, 5], [4, 5], "mean", 50))
        assert report.without_filter == (1 if options else 0)
        assert ("the filter left nothing of 1 users" in report.text()) == bool(options)


def test_short_watches_are_no_history(world, tmp_path):
    """v1 was watched for long once, v2 never, and v3 was an impression; b watched nothing long."""
    history = (
        "user_id,video_id,watched_seconds,impression\n"
        "a,v1,31,0\na,v2,30,0\na,v1,2,0\na,v3,99,1\na,v4,40,0\nb,v5,1,0\n"
    )
    vectors = Embeddings.load(world / "all").vectors()
    for seconds, kept in ((0.0, [1, 2, 4]), (30.0, [1, 4]), (35.0, [4])):
        answers, report = _recommend(
            world, tmp_path, history, top_k=50, min_watched_seconds=seconds
        )
        _same(answers["a"], _expected(vectors, kept, [1, 2, 4], "mean", 50))
        _same(answers["b"], _expected(vectors, [5], [5], "mean", 50))
        assert report.without_filter == (1 if seconds else 0)
    with pytest.raises(ValueError, match="watched_seconds"):
        _recommend(world, tmp_path, "user_id,video_id\na,v1\n", min_watched_seconds=1.0)


def test_the_last_event_of_a_video_counts(world, tmp_path):
    vectors = Embeddings.load(world / "all").vectors()
    lines = ["a,v1,5,30", "a,v2,1,20", "a,v1,1,10", "a,v3,5,5"]
    without_time = [line.rsplit(",", 1)[0] for line in lines]
    watched = [1, 2, 3]
    for options, by_time, by_order in (
        ({"min_stars": 5.0}, [1, 3], [3]),
        ({"last_videos": 1}, [1], [3]),
        ({"last_videos": 2}, [2, 1], [1, 3]),
    ):
        history = "\n".join(["user_id,video_id,rating,timestamp", *lines])
        answers, _ = _recommend(world, tmp_path, history, **options)
        _same(answers["a"], _expected(vectors, by_time, watched, "mean", 5))
        history = "\n".join(["user_id,video_id,rating", *without_time])
        answers, _ = _recommend(world, tmp_path, history, **options)
        _same(answers["a"], _expected(vectors, by_order, watched, "mean", 5))


def test_unknown_videos_and_new_users(world, tmp_path):
    history = "user_id,video_id,impression\na,v1,0\na,x1,0\nnew,x1,0\nshown,v2,1\na,v3,1\nb,v55,0\n"
    answers, report = _recommend(world, tmp_path, history)
    assert list(answers) == ["a"]
    vectors = Embeddings.load(world / "all").vectors()
    _same(answers["a"], _expected(vectors, [1], [1], "mean", 5))  # v3 was not watched
    assert (report.num_unknown_events, report.num_unknown_videos) == (3, 2)
    assert report.unknown_video == "x1"
    assert report.new_users == ("new", "shown", "b")
    assert "nothing for 3 users without any known video: new, shown, b" in report.text()

    # With the exact embeddings, v55 is known though not in the index.
    answers, report = _recommend(world, tmp_path, history, embeddings_dir=str(world / "all"))
    _same(answers["b"], _expected(vectors, [55], [55], "mean", 5))
    assert report.num_unknown_videos == 1


def test_users_of_whom_too_little_is_left_are_counted(world, tmp_path):
    """Of 50 videos a has watched 50, b 47 and c one."""
    rows = [
        (user, f"v{row}")
        for user, count in (("a", 50), ("b", 47), ("c", 1))
        for row in range(count)
    ]
    history = "\n".join(["user_id,video_id", *map(",".join, rows)])
    for aggregation in ("mean", "max"):
        answers, report = _recommend(world, tmp_path, history, aggregation=aggregation)
        assert {video for video, _ in answers["b"]} == {"v47", "v48", "v49"}
        assert ({*answers}, len(answers["c"])) == ({"b", "c"}, 5)
        assert (report.num_lines, report.num_short, report.num_without) == (8, 2, 1)
        assert "8 videos for 3 users\n2 users have fewer than 5, 1 of them none" in report.text()


def test_equal_times_keep_the_order_of_the_file(world, tmp_path):
    vectors = Embeddings.load(world / "all").vectors()
    history = "user_id,video_id,timestamp\na,v9,2\na,v7,2\na,v8,2\na,v1,1\n"
    answers, _ = _recommend(world, tmp_path, history, last_videos=2)
    _same(answers["a"], _expected(vectors, [7, 8], [9, 7, 8, 1], "mean", 5))


def test_some_users(world, tmp_path):
    history = "user_id,video_id\na,v1\nb,v2\nc,v3\n"
    answers, report = _recommend(world, tmp_path, history, users=("c", "none", "b"))
    assert list(answers) == ["b", "c"]
    assert report.new_users == ("none",)


@pytest.mark.parametrize("users", [(), ("u7", "nobody", "u3", "new")])
def test_workers_answer_ranges_of_users(world, tmp_path, monkeypatch, spread_here, users):
    monkeypatch.setattr(user_events, "_BLOCK_EVENTS", 3)
    rng = np.random.default_rng(6)
    rows = {f"u{user},v{video}" for user, video in rng.integers((0, 0), (20, 55), (150, 2))}
    history = "\n".join(["user_id,video_id", "new,v57", *sorted(rows)])
    expected, local = _recommend(world, tmp_path, history, users=users)
    config = RecommendConfig(
        **{"watch_log": f"{tmp_path}/history.csv", "index_dir": str(world / "index")},
        **{"output": f"{tmp_path}/spread.csv", "top_k": 5, "users": users},
    )
    assert recommend(config, spark=spread_here(recommending)) == local
    assert (tmp_path / "spread.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert len(expected) == (2 if users else 20)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"history.csv", "out.csv", "spread.csv"}


def test_to_standard_output(world, tmp_path, capsys):
    (tmp_path / "history.csv").write_text("user_id,video_id\na,v1\n")
    recommend(
        RecommendConfig(
            watch_log=str(tmp_path / "history.csv"), index_dir=str(world / "index"), top_k=2
        )
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "user_id,rank,video_id,score"
    assert [line.split(",")[:2] for line in lines[1:]] == [["a", "1"], ["a", "2"]]


@pytest.mark.parametrize(
    ("history", "options", "message"),
    [
        ("user_id,video_id\n", {}, "no watched videos in"),
        ("user_id,video_id\na,v1\n", {"users": ("b",)}, "no watched videos of the users b in"),
        ("user_id,video_id\na,v1\n", {"min_stars": 3.0}, "--min_stars needs a column rating"),
        ("user_id,video_id\na,v1\n", {"above_mean": True}, "--above_mean needs a column rating"),
        ("user_id,video_id,rating\na,v1,nan\n", {}, "row 1: rating must be a finite number"),
        ("user,video_id\na,v1\n", {}, "lacks the column user_id"),
        ("user_id,video_id\na,01\na,2\n", {}, "the index in .* no id in common: .* '01' and 'v0'"),
        (f"user_id,video_id\na,v1\na,{'x' * 513}\n", {}, r"row 2: .* 512 bytes; .*… \(513 char"),
    ],
)
def test_refused_histories(world, tmp_path, history, options, message):
    with pytest.raises(ValueError, match=message):
        _recommend(world, tmp_path, history, **options)
    assert not (tmp_path / "out.csv").exists()


def test_embeddings_of_another_model(world, tmp_path):
    Embeddings.write(tmp_path / "other", ["v1"], np.ones((1, SIZE)) / SIZE**0.5, "m2")
    with pytest.raises(ValueError, match=r"of the model 'm1', and the embeddings .* of 'm2'"):
        _recommend(
            world, tmp_path, "user_id,video_id\na,v1\n", embeddings_dir=str(tmp_path / "other")
        )


def test_the_search_refuses(world):
    index = Index.load(world / "index")
    with pytest.raises(ValueError, match="mean or max; received 'sum'"):
        HistorySearch(index, "sum")
    with pytest.raises(ValueError, match="each of 1 users; received 2"):
        HistorySearch(index).search(np.ones((1, SIZE)), np.array([0, 1]), [np.zeros(0, int)] * 2, 3)
    for aggregation in AGGREGATE:
        with pytest.raises(ValueError, match="user 0 has none"):
            HistorySearch(index, aggregation).search(
                np.ones((1, SIZE)), np.array([0, 0, 1]), [np.zeros(0, int)] * 2, 3
            )


def test_the_search_pads_where_there_are_fewer(world):
    index = Index.load(world / "index")
    for aggregation in AGGREGATE:
        scores, rows = HistorySearch(index, aggregation).search(
            index.vectors(np.array([0, 1])), np.array([0, 2]), [np.arange(2, 50)], 3
        )
        assert set(rows[0, :2]) == {0, 1}
        assert rows[0, 2] == UNKNOWN
        assert scores[0, 2] == -np.inf


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--index_dir="], "--index_dir must be given"),
        (["--watch_log="], "--watch_log must be given"),
        (["--top_k=0"], "--top_k must be at least 1; received 0"),
        (["--last_videos=-1"], "--last_videos must be at least 0; received -1"),
        (["--min_stars=nan"], "--min_stars must be a finite number"),
        (["--aggregation=sum"], "one of mean, max"),
    ],
)
def test_refused_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["--watch_log=a.csv", "--index_dir=b", *flags])
