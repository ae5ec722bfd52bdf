"""Indices that are changed against indices of the same videos that are built anew."""

import contextlib

import numpy as np
import pytest

from tests.retrieval.test_sharded_index import (
    COUNT,
    SIZE,
    assert_same_results,
    embeddings_of,
    queries,
)
from tests.retrieval.test_sharded_index import options as options
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval import index_update
from yt8m_models.retrieval.build_index.building import build_index
from yt8m_models.retrieval.build_index.config import BuildIndexConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_update import compact_index, update_index
from yt8m_models.storage import artifact_dir

FIRST = np.arange(1000)
MORE = np.arange(1000, COUNT)
REMOVED = np.concatenate([np.arange(0, 1000, 7), [1001, 1499]])


def contents(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def ids_of(rows):
    return [f"v{row:04}" for row in rows]


def rebuilt(index, rows, directory):
    """An index in one piece of rows of the world, with the quantiser and the cells of another."""
    embeddings = embeddings_of(rows)
    directory.mkdir()
    segment = index.segment_of(embeddings, directory)
    return Index(embeddings.ids, "m", [segment])


@pytest.mark.parametrize("num_shards", [1, 3])
def test_a_changed_index_is_as_one_that_is_built_anew(tmp_path, options, num_shards, caplog):
    """Videos come, others go, of both parts; bit by bit, and once more when it is compact."""
    directory = tmp_path / "index"
    first = Index.write(directory, embeddings_of(FIRST), **options, num_shards=num_shards)
    done = []
    update_index(directory, embeddings_of(MORE), on_video=done.append)
    assert sum(done) == 500 * (1 + options["approximate"])
    index = update_index(directory, remove=[*ids_of(REMOVED), "nobody"])
    assert "1 of the 146 videos to remove are not in the index" in caplog.text
    left = np.setdiff1d(np.arange(COUNT), REMOVED)
    expected = rebuilt(first, left, tmp_path / "expected")
    assert index.ids.to_array().tolist() == [name.encode() for name in ids_of(left)]
    assert len(index.segments) == num_shards + 1
    assert_same_results(index, expected)
    compact = compact_index(directory)
    assert [len(segment) for segment in compact.segments] == [len(left)]
    assert_same_results(compact, expected)
    names = {path.name for path in directory.iterdir()}
    number = 1 if num_shards == 1 else num_shards + 1
    assert {name for name in names if name.startswith("shard")} == {f"shard-{number:05}"}
    assert names & {"vectors.npy", "codes.npy", "values.npy", "lists.faiss", "ids.npy"} == set()
    assert_same_results(compact_index(directory, 4), expected)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_tables_pass_removed_videos_over(tmp_path, bits):
    """2,400 of 3,000 are left, enough for a shortlist by tables; 8 bits for few queries alone."""
    pytest.importorskip("faiss", reason="needs the extra `recommend`")
    rows = np.arange(2 * COUNT)
    first = Index.write(tmp_path / "index", embeddings_of(rows), bits=bits)
    index = update_index(tmp_path / "index", remove=ids_of(rows[::5]))
    expected = rebuilt(first, rows[rows % 5 > 0], tmp_path / "expected")
    asked = queries()[:4]
    for values, wanted in zip(index.search(asked, 10), expected.search(asked, 10), strict=True):
        np.testing.assert_array_equal(values, wanted)
    assert index.segments[0]._fast_scan is not None
    exact = index.segments[0]._compared(
        asked / np.linalg.norm(asked, axis=1)[:, None], 10, [[]] * 4
    )
    np.testing.assert_allclose(index.search(asked, 10)[0], exact[0], atol=1e-6)


def test_a_video_that_comes_again_replaces_the_old_one(tmp_path):
    """Row 3 becomes a copy of row 100, and goes to the end; so does a removed one that returns."""
    Index.write(tmp_path, embeddings_of(FIRST))
    other = embeddings_of(np.array([100, 1200]), ["v0003", "new"])
    index = update_index(tmp_path, other, remove=["v0003", "v0004", "new"])
    assert len(index) == 1000
    assert index.ids[[3, 998, 999]].tolist() == [b"v0005", b"v0003", b"new"]
    row = index.ids.rows(["v0100", "v0003", "v0004"])
    assert row[2] == UNKNOWN
    np.testing.assert_array_equal(index.vectors(row[:1]), index.vectors(row[1:2]))
    again = update_index(tmp_path, embeddings_of(np.array([4])))
    assert again.ids[-1] == b"v0004"
    assert len(update_index(tmp_path, embeddings_of(np.array([4])))) == len(again) == 1001


def test_a_kill_leaves_the_old_or_the_new_index(tmp_path, monkeypatch):
    """It stops before each file that is written or deleted, and a later change goes on all the
    same."""

    class Killed(BaseException):
        pass

    steps, last = [], [None]

    def counted(function):
        def stopping(*arguments, **options):
            steps.append(function)
            if len(steps) == last[0]:
                raise Killed
            return function(*arguments, **options)

        return stopping

    directory, stop = tmp_path / "index", 1
    Index.write(directory, embeddings_of(FIRST[:60]), bits=4)
    old = ids_of(FIRST[:60])
    new = [*old[1:], "v1000", "v1001"]
    while True:
        steps.clear()
        last[0] = stop
        with monkeypatch.context() as patched:
            patched.setattr(artifact_dir, "write_array", counted(artifact_dir.write_array))
            patched.setattr(artifact_dir, "write_text", counted(artifact_dir.write_text))
            patched.setattr(index_update.shutil, "rmtree", counted(index_update.shutil.rmtree))
            patched.setattr(index_update.Path, "unlink", counted(index_update.Path.unlink))
            with contextlib.suppress(Killed):
                update_index(directory, embeddings_of(MORE[:2]), remove=["v0000"])
            (directory / ".ids_9.npy.01234567.partial").write_bytes(b"x")
        found = [name.decode() for name in Index.load(directory).ids.to_array()]
        assert found in (old, new)
        if len(steps) < stop:
            break
        stop += 1
        if found == new:  # so that the next one starts from the old state
            update_index(directory, embeddings_of(FIRST[:1]), remove=["v1000", "v1001"])
            old, new = [*found[:-2], "v0000"], [*found[:-2], "v1000", "v1001"]
    assert found == new
    assert stop > 10
    update_index(directory, remove=["v1000"])
    names = {path.name for path in directory.iterdir()}
    assert not any(name.endswith(".partial") for name in names)
    assert sum(name.startswith("ids") for name in names) == 4
    assert sum(name.startswith("removed") for name in names) == 1


def test_what_is_refused_changes_nothing(tmp_path):
    Index.write(tmp_path, embeddings_of(FIRST[:9]))
    before = contents(tmp_path)
    other = Embeddings(VideoIds(["a"]), [np.ones((1, SIZE), np.float32)], "other", SIZE)
    with pytest.raises(ValueError, match=r"is of the model m, width 12, and .* of other, width 12"):
        update_index(tmp_path, other)
    bad = Embeddings(VideoIds(["a"]), [np.full((1, SIZE), np.nan, np.float32)], "m", SIZE)
    with pytest.raises(ValueError, match="embedding of video 'a' is not finite"):
        update_index(tmp_path, bad)
    with pytest.raises(ValueError, match="no video would be left"):
        update_index(tmp_path, remove=ids_of(FIRST[:9]))
    with pytest.raises(ValueError, match="num_shards must be 1 to 9"):
        compact_index(tmp_path, 10)
    with index_update._alone(tmp_path), pytest.raises(ValueError, match="another process changes"):
        compact_index(tmp_path)
    with pytest.raises(ValueError, match=r"holds no index\.json"):
        update_index(tmp_path / "nothing", bad)
    assert contents(tmp_path) == before
    assert np.isfinite(Index.load(tmp_path).search(queries(), 9)[0]).all()


def test_a_directory_of_embeddings_is_left_alone(tmp_path):
    """Both have `ids.npy`, the same one where the index was built there."""
    embeddings = embeddings_of(FIRST[:9])
    written = Embeddings.write(tmp_path, embeddings.ids.to_array(), embeddings.vectors(), "m")
    Index.write(tmp_path, written)
    with pytest.raises(ValueError, match="holds embeddings too"):
        update_index(tmp_path, remove=["v0001"])
    assert len(Embeddings.load(tmp_path)) == 9


def test_a_shard_without_videos_is_searched(tmp_path, options):
    """All of the first shard are removed."""
    Index.write(tmp_path, embeddings_of(FIRST[:600]), **options, num_shards=3)
    index = update_index(tmp_path, remove=ids_of(FIRST[:200]))
    assert [len(segment) for segment in index.segments] == [0, 200, 200]
    rows = index.search(queries(), 400)[1]
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(400), (41, 1)))
    assert len(compact_index(tmp_path)) == 400


def test_by_the_flags(tmp_path):
    Embeddings.write(tmp_path / "first", ids_of(FIRST[:9]), embeddings_of(FIRST[:9]).vectors(), "m")
    Embeddings.write(tmp_path / "more", ids_of(MORE[:3]), embeddings_of(MORE[:3]).vectors(), "m")
    (tmp_path / "gone.txt").write_text("v0001\nv0002\n")
    flags = {"output_dir": str(tmp_path / "index")}
    first = BuildIndexConfig(str(tmp_path / "first"), num_shards=2, **flags)
    assert len(build_index(first).segments) == 2
    more = BuildIndexConfig(
        str(tmp_path / "more"), update=True, remove=str(tmp_path / "gone.txt"), **flags
    )
    index = build_index(more)
    assert (len(index), len(index.segments)) == (10, 3)
    index = build_index(BuildIndexConfig(compact=True, num_shards=2, **flags))
    assert [len(segment) for segment in index.segments] == [5, 5]
    index = build_index(BuildIndexConfig(update=True, compact=True, remove=more.remove, **flags))
    assert [len(segment) for segment in index.segments] == [10]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"update": True}, "--update needs --embeddings_dir, --remove or both"),
        ({"remove": "x", "embeddings_dir": "e"}, "--remove=x is for --update"),
        ({"compact": True, "embeddings_dir": "e"}, "--compact alone adds no videos"),
        ({"compact": True, "bits": 4}, "--bits=4 is for a new index"),
        ({"update": True, "remove": "x", "auto": True}, "--auto=True is for a new index"),
        ({"update": True, "remove": "x", "num_shards": 2}, "--num_shards=2 is for a new index or"),
        ({"embeddings_dir": "e", "recall": 0.9}, "--recall=0.9 is for --auto"),
        ({"embeddings_dir": "e", "num_shards": 0}, "--num_shards must be at least 1; received 0"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(ValueError, match=message):
        BuildIndexConfig(output_dir="o", **flags)
