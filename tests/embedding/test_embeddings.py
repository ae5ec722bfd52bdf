"""The directory of embeddings: writing in shards, going on, reading, and what is refused."""

import json

import numpy as np
import pytest

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EmbeddingsWriter

IDS = VideoIds([b"c", b"a", b"bbbb", b"d", b"e"])
VECTORS = np.arange(15, dtype=np.float32).reshape(5, 3)


def test_what_is_written_is_read_back(tmp_path):
    written = Embeddings.write(tmp_path, IDS.to_array(), VECTORS, "late:1", shard_size=2)
    for embeddings in (written, Embeddings.load(tmp_path)):
        assert len(embeddings) == 5
        assert embeddings.model == "late:1"
        assert embeddings.size == 3
        assert embeddings.ids.to_array().tolist() == IDS.to_array().tolist()
        np.testing.assert_array_equal(embeddings.vectors(), VECTORS)
        assert embeddings.vectors().dtype == np.float32
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(f"embeddings-0000{shard}.npy" for shard in range(3)),
        "embeddings.json",
        *(f"ids-0000{shard}.npy" for shard in range(3)),
        *(f"ids{part}.npy" for part in ("", "_ends", "_hashes", "_rows")),
    ]


def test_embeddings_of_earlier_versions_have_the_ids_of_shards_alone(tmp_path, forget_contents):
    Embeddings.write(tmp_path, IDS, VECTORS, "m", shard_size=2)
    for path in (*tmp_path.glob("ids_*.npy"), tmp_path / "ids.npy"):
        path.unlink()
    forget_contents(tmp_path)
    embeddings = Embeddings.load(tmp_path)
    np.testing.assert_array_equal(embeddings.ids.rows(IDS), np.arange(5))


def test_rows_come_from_any_shard_in_any_order(tmp_path):
    embeddings = Embeddings.write(tmp_path, IDS.to_array(), VECTORS, "m", shard_size=2)
    rows = np.array([4, 0, 3, 3, 1])
    np.testing.assert_array_equal(embeddings.take(rows), VECTORS[rows])
    assert embeddings.take(np.zeros(0, np.int64)).shape == (0, 3)
    for wrong in (-1, 5):
        with pytest.raises(ValueError, match=f"rows must be 0 to 4; received {wrong}"):
            embeddings.take(np.array([0, wrong]))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_are_all_rows_in_order(tmp_path, size):
    embeddings = Embeddings.write(tmp_path, IDS.to_array(), VECTORS, "m", shard_size=3)
    batches = list(embeddings.batches(size))
    assert max(map(len, batches)) <= size
    np.testing.assert_array_equal(np.concatenate(batches), VECTORS)


def test_no_videos_are_embeddings_too(tmp_path):
    embeddings = Embeddings.write(tmp_path, [], np.zeros((0, 3)), "m")
    assert len(embeddings) == 0
    assert embeddings.vectors().shape == (0, 3)
    assert list(embeddings.batches(4)) == []


def test_a_writer_goes_on_with_the_shards_that_are_missing(tmp_path):
    first = EmbeddingsWriter(tmp_path, IDS, "m", 3, shard_size=2)
    assert first.pending == [0, 1, 2]
    first.write(1, VECTORS[2:4])
    with pytest.raises(ValueError, match="not complete"):
        Embeddings.load(tmp_path)
    with pytest.raises(ValueError, match=r"shards \[0, 2\] are not written"):
        first.finish()
    written_at = (tmp_path / "embeddings-00001.npy").stat().st_mtime_ns
    second = EmbeddingsWriter(tmp_path, IDS, "m", 3, shard_size=2)
    assert second.pending == [0, 2]
    assert [second.rows(shard).tolist() for shard in second.pending] == [[0, 1], [4]]
    for shard in second.pending:
        second.write(shard, VECTORS[second.rows(shard)])
    second.finish()
    assert (tmp_path / "embeddings-00001.npy").stat().st_mtime_ns == written_at
    np.testing.assert_array_equal(Embeddings.load(tmp_path).vectors(), VECTORS)


@pytest.mark.parametrize(
    ("ids", "model", "shard_size", "message"),
    [
        (IDS, "other", 2, "model m there, other now"),
        (IDS, "m", 3, "shard_size 2 there, 3 now"),
        (VideoIds([b"c", b"a", b"bbbb", b"d", b"f"]), "m", 2, "ids .* there, .* now"),
    ],
)
def test_a_directory_of_others_is_left_alone(tmp_path, ids, model, shard_size, message):
    Embeddings.write(tmp_path, IDS.to_array(), VECTORS, "m", shard_size=2)
    with pytest.raises(ValueError, match=message):
        EmbeddingsWriter(tmp_path, ids, model, 3, shard_size=shard_size)
    np.testing.assert_array_equal(Embeddings.load(tmp_path).vectors(), VECTORS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_by_the_video(tmp_path, value):
    vectors = VECTORS.copy()
    vectors[2, 1] = value
    with pytest.raises(ValueError, match="embedding of video 'bbbb' is not finite"):
        Embeddings.write(tmp_path, IDS.to_array(), vectors, "m")
    with pytest.raises(ValueError, match="not complete"):
        Embeddings.load(tmp_path)


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"vectors must have the shape \(5, size\)"):
        Embeddings.write(tmp_path, IDS.to_array(), VECTORS[:4], "m")
    with pytest.raises(ValueError, match="video id 'a' is there twice"):
        Embeddings.write(tmp_path, [b"a", b"a"], VECTORS[:2], "m")
    with pytest.raises(ValueError, match="shard_size must be at least 1; received 0"):
        EmbeddingsWriter(tmp_path, IDS, "m", 3, shard_size=0)
    with pytest.raises(ValueError, match="local directory"):
        EmbeddingsWriter("gs://bucket/embeddings", IDS, "m", 3)
    with pytest.raises(ValueError, match="model must say"):
        EmbeddingsWriter(tmp_path, IDS, "", 3)


def test_what_is_not_embeddings_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no embeddings\.json"):
        Embeddings.load(tmp_path / "nowhere")
    (tmp_path / "embeddings.json").write_text(json.dumps({"kind": "index"}))
    with pytest.raises(ValueError, match="not the record of embeddings"):
        Embeddings.load(tmp_path)


def test_a_damaged_shard_is_named_and_can_be_written_anew(tmp_path, forget_contents):
    Embeddings.write(tmp_path, IDS.to_array(), VECTORS, "m", shard_size=2)
    np.save(tmp_path / "embeddings-00001.npy", VECTORS[:1])
    with pytest.raises(ValueError, match=r"embeddings-00001\.npy is not what yt8m embed wrote"):
        Embeddings.load(tmp_path)
    assert EmbeddingsWriter(tmp_path, IDS, "m", 3, shard_size=2).pending == [1]
    forget_contents(tmp_path)
    with pytest.raises(ValueError, match=r"embeddings-00001\.npy must be float32 of .*\(2, 3\)"):
        Embeddings.load(tmp_path)
    (tmp_path / "embeddings-00001.npy").unlink()
    with pytest.raises(ValueError, match=r"embeddings-00001\.npy cannot be read"):
        Embeddings.load(tmp_path)


def test_embeddings_in_memory():
    embeddings = Embeddings.of(["a", b"b"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(embeddings.take(embeddings.ids.rows(["b"])), [[3, 4]])
    assert (embeddings.size, embeddings.model) == (2, "unnamed")
    with pytest.raises(ValueError, match=r"must have the shape \(1, size\).* received \(2, 2\)"):
        Embeddings.of(["a"], [[1, 2], [3, 4]])
