"""Search against a slow reference, and what an index refuses."""

import json
import sys

import numpy as np
import pytest

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval import index as index_module
from yt8m_models.retrieval import segment as segment_module
from yt8m_models.retrieval.fast_scan import FastScan
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.top_k import TopK
from yt8m_models.storage import artifact_dir


def _embeddings(count=600, size=10, seed=0, model="late-8:aa"):
    """Clusters of vectors of any length."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(20, size))
    vectors = centers[rng.integers(20, size=count)] + 0.5 * rng.normal(size=(count, size))
    vectors *= rng.uniform(0.5, 2, size=(count, 1))
    ids = VideoIds([f"v{row:05}" for row in range(count)])
    return Embeddings(ids, [vectors.astype(np.float32)], model, size)


def _queries(count=7, size=10):
    return np.random.default_rng(9).normal(size=(count, size)).astype(np.float32)


def _reference(queries, vectors, k, exclude=None):
    """Scores and rows by sorting all products, one query after the other."""
    all_scores, all_rows = [], []
    for number, query in enumerate(queries):
        products = vectors.astype(np.float64) @ (query / np.linalg.norm(query))
        out = set() if exclude is None else set(exclude[number])
        ranked = sorted((-product, row) for row, product in enumerate(products) if row not in out)
        ranked = ranked[:k] + [(np.inf, UNKNOWN)] * (k - len(ranked))
        all_scores.append([-product for product, _ in ranked])
        all_rows.append([row for _, row in ranked])
    return np.array(all_scores), np.array(all_rows)


def test_top_k_of_blocks():
    """Ties are ranked by row; the third block (rows 5 and 6) comes after k scores are known."""
    best = TopK(2, 3)
    best.add(np.array([[0.5, 0.1, 0.5], [-1, -np.inf, -np.inf]], np.float32), np.arange(3))
    np.testing.assert_array_equal(best.rows, [[0, 2, 1], [0, UNKNOWN, UNKNOWN]])
    best.add(np.array([[0.5, 0.9], [-2, 3]], np.float32), np.array([3, 4]))
    best.add(np.array([[0.5, 0.2], [0, 0]], np.float32), np.array([5, 6]))
    np.testing.assert_array_equal(best.rows, [[4, 0, 2], [4, 5, 6]])
    np.testing.assert_allclose(best.scores, [[0.9, 0.5, 0.5], [3, 0, 0]])


@pytest.mark.parametrize("bits", [None, 2, 4, 8])
@pytest.mark.parametrize("k", [1, 10, 600, 605])
def test_search_equals_the_reference(bits, k, monkeypatch):
    monkeypatch.setattr(segment_module, "_FIRST_ROWS", 64)
    monkeypatch.setattr(segment_module, "MOST_ROWS", 100)
    monkeypatch.setattr(index_module, "MOST_ROWS", 100)
    monkeypatch.setattr(index_module, "_SCORES", 300)  # three queries at a time
    index = Index.build(_embeddings(), bits=bits)
    exclude = [np.array([3, 50, UNKNOWN])] * 3 + [np.array([], int)] * 4
    expected = _reference(_queries(), index.vectors(np.arange(600)), k, exclude)
    scores, rows = index.search(_queries(), k, exclude)
    assert scores.dtype == np.float32
    assert rows.dtype == np.int64
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)
    np.testing.assert_array_equal(rows, expected[1])


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("size", [5, 32])
def test_scanning_by_tables_finds_the_same(bits, size):
    """With 4,000 videos and k = 10 the shortlist of up to 155 is by tables."""
    pytest.importorskip("faiss")
    index = Index.build(_embeddings(4000, size), bits=bits)
    queries = _queries(4 if bits == 8 else 16, size)
    exclude = [np.arange(query) for query in range(len(queries))]
    scores, rows = index.search(queries, 10, exclude)
    assert index.segments[0]._fast_scan is not None
    vectors = index.vectors(np.arange(4000))
    expected, _ = _reference(queries, vectors, 10, exclude)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    np.testing.assert_allclose(
        (vectors[rows] @ unit[:, :, None])[..., 0], scores, atol=1e-6
    )  # rows of equal codes may stand in for each other by rounding
    assert not any(np.isin(found, out).any() for found, out in zip(rows, exclude, strict=True))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_tables_made_in_pieces_scan_the_same(bits):
    pytest.importorskip("faiss")
    index = Index.build(_embeddings(1000), bits=bits)
    quantizer, codes = index.segments[0].stored.quantizer, index.segments[0].stored.values
    expected = FastScan(quantizer, [codes]).candidates(_queries(), 50)
    pieces = np.array_split(codes, [300, 600, 900])
    received = FastScan(quantizer, pieces).candidates(_queries(), 50)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("bits", [2, 4])
def test_scanning_gives_up_where_rounding_could_matter(bits):
    """750 equal videos are more than a shortlist of 120 holds: the first of them are best."""
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 8)).astype(np.float32)
    vectors[500::2] = vectors[0]
    embeddings = Embeddings(VideoIds([b"%d" % row for row in range(2000)]), [vectors], "m", 8)
    index = Index.build(embeddings, bits=bits)
    _, rows = index.search(vectors[:1], 5)
    expected = _reference(vectors[:1], index.vectors(np.arange(2000)), 5)[1]
    np.testing.assert_array_equal(rows, expected)
    assert {0, 500, 502}.issubset(rows[0])


@pytest.mark.parametrize("bits", [2, 4])
def test_zeros_have_the_score_0_with_all(bits):
    pytest.importorskip("faiss")
    queries = np.concatenate([_queries(2), np.zeros((1, 10), np.float32)])
    scores, rows = Index.build(_embeddings(4000), bits=bits).search(queries, 3)
    np.testing.assert_array_equal(scores[2], 0)
    np.testing.assert_array_equal(rows[2], [0, 1, 2])


def test_without_faiss_it_searches_all_the_same(monkeypatch):
    embeddings = _embeddings(4000)
    expected = Index.build(embeddings, bits=4).search(_queries(), 5)
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(segment_module, "_has_faiss", lambda: False)
    received = Index.build(embeddings, bits=4).search(_queries(), 5)
    np.testing.assert_allclose(received[0], expected[0], atol=1e-6)
    with pytest.raises(ValueError, match=r"faiss is needed.*yt8m-models\[recommend\]"):
        Index.build(embeddings, approximate=True)


@pytest.mark.parametrize("bits", [None, 2, 4, 8])
def test_approximate_search(bits):
    """With all cells visited it is exact; with some, what it finds has its exact score."""
    pytest.importorskip("faiss")
    index = Index.build(_embeddings(), bits=bits, approximate=True, num_lists=6)
    assert index.is_approximate
    exclude = [np.array([query, 300]) for query in range(7)]
    vectors = index.vectors(np.arange(600))
    expected = _reference(_queries(), vectors, 10, exclude)
    scores, rows = index.search(_queries(), 10, exclude, probes=6)
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)
    scores, rows = index.search(_queries(), 10, exclude, probes=2)
    units = _queries() / np.linalg.norm(_queries(), axis=1, keepdims=True)
    found = rows != UNKNOWN
    exact = (vectors[np.maximum(rows, 0)] @ units[:, :, None])[..., 0]
    np.testing.assert_allclose(scores[found], exact[found], atol=1e-6)
    assert np.mean([np.isin(*pair).mean() for pair in zip(expected[1], rows, strict=True)]) > 0.6


def test_more_cells_are_visited_where_too_few_videos_are_in_them():
    """50 of 600 in 15 cells, and all of them, are more than one cell has; so is what is left."""
    pytest.importorskip("faiss")
    index = Index.build(_embeddings(), approximate=True, num_lists=15)
    assert (index.search(_queries(), 50, probes=1)[1] != UNKNOWN).all()
    exclude = [np.arange(query, 600, 7) for query in range(7)]
    expected = _reference(_queries(), index.vectors(np.arange(600)), 600, exclude)
    scores, rows = index.search(_queries(), 600, exclude, probes=1)
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)
    np.testing.assert_array_equal((rows != UNKNOWN).sum(axis=1), [600 - len(e) for e in exclude])


def test_scores_are_cosines():
    embeddings = _embeddings()
    index = Index.build(embeddings)
    vectors = embeddings.take(np.arange(600)).astype(np.float64)
    query = 17 * embeddings.take([5])
    scores, rows = index.search(query, 2)
    assert rows[0, 0] == 5
    assert scores[0, 0] == pytest.approx(1, abs=1e-6)
    other = vectors[rows[0, 1]]
    cosine = other @ vectors[5] / np.linalg.norm(other) / np.linalg.norm(vectors[5])
    assert scores[0, 1] == pytest.approx(cosine, abs=1e-6)
    assert np.all(index.search(np.zeros((1, 10)), 3)[0] == 0)


@pytest.mark.parametrize("bits", [None, 2, 4, 8])
@pytest.mark.parametrize("approximate", [False, True])
def test_save_and_load(tmp_path, bits, approximate):
    if approximate:
        pytest.importorskip("faiss")
    built = Index.build(_embeddings(), bits=bits, approximate=approximate)
    built.save(tmp_path / "index")
    index = Index.load(tmp_path / "index")
    assert (index.model, index.bits, index.size) == ("late-8:aa", bits, 10)
    assert index.is_approximate == approximate
    assert len(index) == 600
    np.testing.assert_array_equal(index.ids.to_array(), built.ids.to_array())
    np.testing.assert_array_equal(index.vectors([3, 599]), built.vectors([3, 599]))
    for received, expected in zip(
        index.search(_queries(), 10), built.search(_queries(), 10), strict=True
    ):
        np.testing.assert_array_equal(received, expected)
    with pytest.raises(ValueError, match="already holds an index"):
        built.save(tmp_path / "index")
    options = {"bits": bits, "approximate": approximate}
    written = Index.write(tmp_path / "written", _embeddings(), **options)
    assert written.is_approximate == approximate
    files = sorted(path.name for path in (tmp_path / "index").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "written").iterdir())
    for name in files:
        assert (tmp_path / "written" / name).read_bytes() == (
            tmp_path / "index" / name
        ).read_bytes()
    with pytest.raises(ValueError, match="already holds an index"):
        Index.write(tmp_path / "written", _embeddings())


def test_bytes_per_video():
    embeddings = _embeddings(30, 256)
    assert Index.build(embeddings).bytes_per_video == 1024
    assert [Index.build(embeddings, bits).bytes_per_video for bits in (2, 4, 8)] == [64, 128, 256]


def test_damaged_directories_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no index\.json.*build-index"):
        Index.load(tmp_path / "nothing")
    Index.build(_embeddings(), bits=4).save(tmp_path)
    codes = tmp_path / "codes.npy"
    content = codes.read_bytes()
    codes.write_bytes(content[:-5])
    with pytest.raises(
        ValueError, match=r"codes\.npy is not what .* has 3123 bytes .* had 3128 bytes"
    ):
        Index.load(tmp_path)
    codes.write_bytes(b"x" * len(content))
    with pytest.raises(ValueError, match=r"codes\.npy is not what .* 3128 bytes .* 3128 bytes"):
        Index.load(tmp_path)
    codes.unlink()
    with pytest.raises(
        ValueError, match=r"codes\.npy is not what yt8m build-index wrote there: it is missing"
    ):
        Index.load(tmp_path)
    codes.write_bytes(content)
    record = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**record, "size": 12}))
    with pytest.raises(ValueError, match=r"values\.npy must be float32 of the shape \(12, 16\)"):
        Index.load(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({**record, "kind": "embeddings"}))
    with pytest.raises(ValueError, match="not the record of an index"):
        Index.load(tmp_path)


def test_a_file_that_is_no_inverted_file_is_refused(tmp_path, forget_contents):
    faiss = pytest.importorskip("faiss")
    Index.build(_embeddings(), approximate=True).save(tmp_path)
    forget_contents(tmp_path)
    lists = tmp_path / "lists.faiss"
    size = lists.stat().st_size
    lists.write_bytes(b"x" * size)
    with pytest.raises(ValueError, match=r"lists\.faiss cannot be read"):
        Index.load(tmp_path)
    faiss.write_index(faiss.IndexFlatIP(10), str(lists))
    lists.write_bytes(lists.read_bytes().ljust(size, b"\0"))
    with pytest.raises(ValueError, match=r"lists\.faiss is not the inverted file of 600 vectors"):
        Index.load(tmp_path)


def test_an_unfinished_index_is_none(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(artifact_dir, "write_text", stopped)
        with pytest.raises(KeyboardInterrupt):
            Index.build(_embeddings()).save(tmp_path)
    with pytest.raises(ValueError, match="holds no index"):
        Index.load(tmp_path)
    Index.build(_embeddings(), bits=2).save(tmp_path)
    assert Index.load(tmp_path).bits == 2


def test_refuses_bad_queries():
    index = Index.build(_embeddings())
    with pytest.raises(ValueError, match=r"shape \(q, 10\).*received \(1, 9\)"):
        index.search(np.zeros((1, 9)), 3)
    bad = _queries()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match="queries must be finite; number 2 is not"):
        index.search(bad, 3)
    with pytest.raises(ValueError, match="k must be at least 1; received 0"):
        index.search(_queries(), 0)
    with pytest.raises(ValueError, match="probes must be at least 1; received 0"):
        index.search(_queries(), 1, probes=0)
    with pytest.raises(ValueError, match="for each of the 7 queries; received 1"):
        index.search(_queries(), 1, exclude=[np.array([1])])
    with pytest.raises(ValueError, match="rows must be 0 to 599; received -1"):
        index.vectors([4, -1])
    assert index.search(np.zeros((0, 10)), 3)[1].shape == (0, 3)


def test_refuses_bad_embeddings():
    vectors = np.ones((3, 4), np.float32)
    vectors[1, 2] = np.inf
    embeddings = Embeddings(VideoIds(["a", "b", "c"]), [vectors], "m", 4)
    for bits in (None, 4):
        with pytest.raises(ValueError, match="embedding of video 'b' is not finite"):
            Index.build(embeddings, bits=bits)
    with pytest.raises(ValueError, match="at least one video"):
        Index.build(Embeddings(VideoIds([]), [], "m", 4))
    with pytest.raises(ValueError, match="bits must be 2, 4 or 8; received 16"):
        Index.build(_embeddings(), bits=16)


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("bits", [None, 4])
def test_added_videos_are_found(tmp_path, bits, approximate):
    """As in an index of all, by the values of the codes that there were; also after opening it."""
    pytest.importorskip("faiss")
    all_videos = _embeddings()
    vectors = all_videos.vectors()
    first = Embeddings.of(all_videos.ids[:400], vectors[:400], all_videos.model)
    last = Embeddings.of(all_videos.ids[400:], vectors[400:], all_videos.model)
    options = {"num_lists": 6} if approximate else {}
    Index.build(first, bits, approximate, **options).save(tmp_path / "index")
    index = Index.load(tmp_path / "index")
    before = index.vectors(slice(None))
    index.search(_queries(), 3)  # the tables of codes are made
    index.add(last)
    assert list(index.ids) == list(all_videos.ids)
    np.testing.assert_array_equal(index.vectors(slice(400)), before)
    units = vectors[400:] / np.linalg.norm(vectors[400:], axis=1, keepdims=True)
    quantizer = index.segments[0].stored.quantizer
    if bits is not None:
        units = quantizer.decode(quantizer.encode(units))
    np.testing.assert_allclose(index.vectors(slice(400, None)), units, atol=1e-6)

    index.save(tmp_path / "larger")
    expected = _reference(_queries(), index.vectors(slice(None)), 8)
    assert (expected[1] >= 400).any()
    for each in (index, Index.load(tmp_path / "larger")):
        scores, rows = each.search(_queries(), 8, probes=6)
        np.testing.assert_allclose(scores, expected[0], atol=1e-6)
        np.testing.assert_array_equal(rows, expected[1])


def test_what_cannot_be_added_changes_nothing():
    index = Index.build(_embeddings())
    with pytest.raises(ValueError, match=r"model 'late-8:aa' and width 10.*'other' and 10"):
        index.add(Embeddings.of(["x"], np.ones((1, 10)), "other"))
    with pytest.raises(ValueError, match=r"width 10.* and 9"):
        index.add(Embeddings.of(["x"], np.ones((1, 9)), "late-8:aa"))
    with pytest.raises(ValueError, match="v00003"):
        index.add(Embeddings.of(["x", "v00003"], np.ones((2, 10)), "late-8:aa"))
    with pytest.raises(ValueError, match="'y' is not finite"):
        index.add(Embeddings.of(["x", "y"], np.array([[1.0] * 10, [np.nan] * 10]), "late-8:aa"))
    assert (len(index), len(index.segments), len(index.ids)) == (600, 1, 600)
