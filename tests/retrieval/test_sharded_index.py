"""Indices of several pieces against those of one."""

import json
import os
import threading

import numpy as np
import pytest

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.segment import Segment

COUNT, SIZE = 1500, 12


def embeddings_of(rows, ids=None):
    """Embeddings of the rows of a world in which every third video is a copy of another."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2 * COUNT, SIZE)).astype(np.float32)
    vectors[::3] = vectors[rng.integers(0, 50, len(vectors[::3]))]
    ids = [f"v{row:04}" for row in rows] if ids is None else ids
    return Embeddings(VideoIds(ids), [vectors[rows]], "m", SIZE)


def queries():
    return np.concatenate([embeddings_of(np.arange(40)).vectors(), np.zeros((1, SIZE), np.float32)])


def assert_same_results(received, expected, probes=2, k=10):
    exclude = [np.arange(number, COUNT, 50) for number in range(41)]
    for one in (None, [*exclude]):
        found = received.search(queries(), k, one, probes)
        for values, wanted in zip(found, expected.search(queries(), k, one, probes), strict=True):
            np.testing.assert_array_equal(values, wanted)


@pytest.fixture(params=[(None, False), (2, False), (4, False), (8, False), (None, True), (4, True)])
def options(request):
    bits, approximate = request.param
    if approximate:
        pytest.importorskip("faiss", reason="needs the extra `recommend`")
    return {"bits": bits, "approximate": approximate}


def test_the_results_are_those_of_one_piece(tmp_path, options):
    """Bit by bit, with equal scores in the same order; also where some cells have too few."""
    embeddings, done = embeddings_of(np.arange(COUNT)), []
    one = Index.write(tmp_path / "one", embeddings, **options)
    index = Index.write(
        tmp_path / "index", embeddings, **options, num_shards=4, on_video=done.append
    )
    assert sum(done) == COUNT * (1 + options["approximate"])
    assert [len(segment) for segment in index.segments] == [375] * 4
    assert len(index) == COUNT
    assert (index.bytes_per_video, index.num_lists) == (one.bytes_per_video, one.num_lists)
    rows = np.array([1499, 3, 375, 374, 3])
    np.testing.assert_array_equal(index.vectors(rows), one.vectors(rows))
    assert_same_results(index, one)
    assert_same_results(index, one, probes=1, k=90)
    np.testing.assert_array_equal(
        index.search(queries(), COUNT)[1], one.search(queries(), COUNT)[1]
    )


def test_a_shard_is_an_index_by_itself(tmp_path):
    embeddings = embeddings_of(np.arange(COUNT))
    index = Index.write(tmp_path, embeddings, bits=4, num_shards=3)
    shard = Index.load(tmp_path / "shard-00001")
    assert (shard.ids[0], shard.ids[-1], len(shard)) == (b"v0500", b"v0999", 500)
    np.testing.assert_array_equal(shard.vectors([7]), index.vectors([507]))


def test_saved_in_one_piece(tmp_path, options):
    """As if it had never been in several."""
    embeddings = embeddings_of(np.arange(COUNT))
    Index.write(tmp_path / "one", embeddings, **options)
    Index.write(tmp_path / "index", embeddings, **options, num_shards=4).save(tmp_path / "saved")
    for path in (tmp_path / "one").iterdir():
        assert (tmp_path / "saved" / path.name).read_bytes() == path.read_bytes()


def test_fewer_videos_than_shards(tmp_path):
    with pytest.raises(ValueError, match="num_shards must be 1 to 3, the number of videos"):
        Index.write(tmp_path, embeddings_of(np.arange(3)), num_shards=4)
    assert len(Index.write(tmp_path, embeddings_of(np.arange(3)), num_shards=3)) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shards": []}, "shards must be one at least"),
        ({"shards": 3}, "not the record of an index"),
        ({"shards": [{"path": "../x", "count": 3}]}, "must be the path of a file in the directory"),
        ({"shards": [{"path": "a/b", "count": 3}]}, "the path of a shard must be a name"),
        ({"shards": [{"path": "shard-00000", "count": 0}]}, "at least 1; it is 0"),
        ({"shards": [{"count": 3}]}, "lacks 'path'"),
        ({"shards": [{"path": "shard-00000", "count": 2}]}, r"removed\.npy must be int64"),
        ({"probes": "x"}, "at least 1; it is 'x'"),
        ({"recall_curve": [1]}, "not the record of an index"),
        ({"size": 11}, "shard-00000 has 12 as its size, not 11"),
    ],
)
def test_damaged_records(tmp_path, change, message):
    Index.write(tmp_path, embeddings_of(np.arange(9)), num_shards=2)
    record = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(record | change))
    with pytest.raises(ValueError, match=message):
        Index.load(tmp_path)


def test_a_shard_that_is_missing_or_damaged(tmp_path, forget_contents):
    Index.write(tmp_path, embeddings_of(np.arange(9)), num_shards=2)
    (tmp_path / "shard-00001" / "vectors.npy").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"shard-00001/vectors\.npy is not what"):
        Index.load(tmp_path)
    (tmp_path / "shard-00001" / "index.json").unlink()
    with pytest.raises(ValueError, match=r"shard-00001 holds no index\.json"):
        Index.load(tmp_path)
    forget_contents(tmp_path)
    np.save(tmp_path / "removed.npy", np.array([3, 3]))
    with pytest.raises(ValueError, match=r"removed\.npy must be int64 of the shape \(0,\)"):
        Index.load(tmp_path)


@pytest.mark.skipif(os.cpu_count() == 1, reason="needs two cores")
def test_shards_are_searched_at_the_same_time(tmp_path, monkeypatch):
    """Each waits until the other is searched too."""
    index = Index.write(tmp_path, embeddings_of(np.arange(9)), num_shards=2)
    both, search = threading.Barrier(2, timeout=60), Segment.search

    def waiting(*arguments):
        both.wait()
        return search(*arguments)

    monkeypatch.setattr(Segment, "search", waiting)
    assert sorted(index.search(queries()[:1], 9)[1][0]) == list(range(9))


def test_fewer_videos_than_are_asked_for(tmp_path):
    index = Index.write(tmp_path, embeddings_of(np.arange(9)), num_shards=3)
    scores, rows = index.search(queries()[:2], 12)
    assert (rows[:, 9:] == UNKNOWN).all()
    assert np.isneginf(scores[:, 9:]).all()
    assert sorted(rows[0, :9]) == list(range(9))
