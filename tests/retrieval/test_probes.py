"""How many cells to visit, chosen by measurement."""

import json

import numpy as np
import pytest

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.build_index.__main__ import PROGRAM, main
from yt8m_models.retrieval.build_index.building import advice, build_index
from yt8m_models.retrieval.build_index.config import BuildIndexConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_update import compact_index, update_index
from yt8m_models.retrieval.probes import measured_probes

pytest.importorskip("faiss", reason="needs the extra `recommend`")

COUNT = 2000


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(0).normal(size=(COUNT, 8)).astype(np.float32)


@pytest.fixture
def embeddings_dir(tmp_path, vectors):
    Embeddings.write(tmp_path / "embeddings", [b"%d" % row for row in range(COUNT)], vectors, "m")
    return str(tmp_path / "embeddings")


def recall_of(index, vectors, probes):
    """The share of the ten nearest others of all videos that are found, by all products."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    products = unit @ unit.T
    np.fill_diagonal(products, -np.inf)
    best = np.argsort(-products, axis=1)[:, :10]
    found = index.search(vectors, 10, list(np.arange(COUNT)[:, None]), probes)[1]
    return np.mean([np.isin(*rows).mean() for rows in zip(best, found, strict=True)])


def test_the_least_probes_with_enough_recall(embeddings_dir, tmp_path, vectors):
    """The recall of 256 videos is that of all but for chance; half as many probes find less."""
    directory = str(tmp_path / "index")
    config = BuildIndexConfig(embeddings_dir, directory, auto=True, recall=0.8)
    index = build_index(config)
    assert index.num_lists == COUNT // 39 == 51
    assert index.probes > 1
    assert recall_of(index, vectors, None) == pytest.approx(0.8, abs=0.05)
    curve = index.recall_curve
    assert [each.probes for each in curve] == sorted({each.probes for each in curve})
    assert index.probes == min(each.probes for each in curve if each.recall >= 0.8)
    assert curve[0].probes == 1
    for each in curve:
        assert each.recall == pytest.approx(recall_of(index, vectors, each.probes), abs=0.05)
        assert each.ms > 0
    record = json.loads((tmp_path / "index" / "index.json").read_text())
    assert record["probes"] == index.probes
    assert record["recall_curve"][0] == {"probes": 1, "recall": curve[0].recall, "ms": curve[0].ms}
    found = index.search(vectors[:50], 10)[1]
    np.testing.assert_array_equal(found, index.search(vectors[:50], 10, probes=index.probes)[1])
    assert (found != index.search(vectors[:50], 10, probes=1)[1]).any()
    for changed in (update_index(directory, remove=["7"]), compact_index(directory)):
        assert (changed.probes, changed.recall_curve) == (index.probes, curve)


def test_all_cells_find_all(vectors):
    ids = VideoIds([b"%d" % row for row in range(COUNT)])
    embeddings = Embeddings(ids, [vectors], "m", 8)
    index = measured_probes(Index.build(embeddings, approximate=True, num_lists=6), 1.0)
    assert index.recall_curve[-1].probes <= 6
    assert recall_of(index, vectors, index.probes) > 0.99
    few = Embeddings(VideoIds(["a"]), [vectors[:1]], "m", 8)
    alone = measured_probes(Index.build(few, approximate=True), 1.0)
    assert [(each.probes, each.recall) for each in alone.recall_curve] == [(1, 1.0)]


def test_the_curve_is_printed(embeddings_dir, tmp_path, capsys):
    flags = [f"--embeddings_dir={embeddings_dir}", f"--output_dir={tmp_path}/index"]
    main(PROGRAM.parse([*flags, "--auto", "--bits=4", "--num_shards=2"]))
    printed = capsys.readouterr().out
    index = Index.load(tmp_path / "index")
    assert f"51 lists; searches visit {index.probes} of them unless told:" in printed
    assert "| probes | recall@10 | ms a query |" in printed
    chosen = next(each for each in index.recall_curve if each.probes == index.probes)
    assert f"| **{index.probes}** | {chosen.recall:.3f} | {chosen.ms:.2f} |" in printed


def test_advice_for_a_large_exact_index(monkeypatch, vectors):
    embeddings = Embeddings(VideoIds([b"%d" % row for row in range(COUNT)]), [vectors], "m", 8)
    exact = Index.build(embeddings)
    assert advice(exact) == ""
    monkeypatch.setattr("yt8m_models.retrieval.build_index.building._LARGE", COUNT)
    assert "compares a query with all 2,000 videos: --auto" in advice(exact)
    assert advice(Index.build(embeddings, bits=4)) == ""
