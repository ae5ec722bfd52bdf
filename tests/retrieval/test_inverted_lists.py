"""Inverted lists that are filed on disk against FAISS's own in memory."""

import tracemalloc

import numpy as np
import pytest

from yt8m_models.retrieval import inverted_lists
from yt8m_models.retrieval.inverted_lists import InvertedLists, fit_centers
from yt8m_models.retrieval.quantizer import ScalarQuantizer
from yt8m_models.retrieval.stored_vectors import StoredVectors

faiss = pytest.importorskip("faiss", reason="needs the extra `recommend`")


def _stored(bits, count=1000, size=10):
    vectors = np.random.default_rng(0).normal(size=(count, size)).astype(np.float32)
    if bits is None:
        return StoredVectors(vectors)
    quantizer = ScalarQuantizer.fit(vectors, bits)
    return StoredVectors(quantizer.encode(vectors), quantizer)


@pytest.mark.parametrize("bits", [None, 2, 4, 8])
@pytest.mark.parametrize("num_far", [0, 20])
def test_the_file_is_the_one_that_faiss_writes(tmp_path, monkeypatch, bits, num_far):
    """In blocks of 96; cells far from all vectors stay empty, so that FAISS writes few sizes."""
    monkeypatch.setattr(inverted_lists, "_BATCH", 96)
    stored = _stored(bits)
    centers = fit_centers(lambda rows: stored[rows], 1000, stored.quantizer, 9)
    centers = np.concatenate([centers, np.full((num_far, centers.shape[1]), -100, np.float32)])
    filed = []
    lists = InvertedLists.build(stored, centers, tmp_path / "lists.faiss", filed.append)
    index = inverted_lists._empty_index(faiss, centers, stored.quantizer)
    for start in range(0, 1000, 96):
        index.add(inverted_lists._padded(stored[start : start + 96], index.d))
    faiss.write_index(index, str(tmp_path / "expected.faiss"))
    content = (tmp_path / "lists.faiss").read_bytes()
    assert content == (tmp_path / "expected.faiss").read_bytes()
    assert filed == [96] * 10 + [40]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expected.faiss", "lists.faiss"]
    in_memory = InvertedLists.build(stored, lists.centers)
    assert faiss.serialize_index(in_memory.index).tobytes() == content


def test_no_more_than_some_blocks_are_in_memory(tmp_path, monkeypatch):
    """20 blocks of 256 KB, of which less than 6 at a time."""
    monkeypatch.setattr(inverted_lists, "_BATCH", 1000)
    np.save(tmp_path / "vectors.npy", _stored(None, 20_000, 64).values)
    stored = StoredVectors(np.load(tmp_path / "vectors.npy", mmap_mode="r"))
    centers = stored[:50]
    tracemalloc.start()
    try:
        InvertedLists.build(stored, centers, tmp_path / "lists.faiss")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * 1000 * 64 * 4 < stored.values.nbytes / 3
